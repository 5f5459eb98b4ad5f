//! Databases made here, in the places of those that users bring.

use super::*;
use serde_json::json;

#[path = "../../../tests/suite/mmdb.rs"]
mod mmdb;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Puts a file in its place in one step, as whoever downloads databases should.
    fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let (path, new) = (self.path(name), self.path("new"));
        std::fs::write(&new, bytes).unwrap();
        std::fs::rename(new, &path).unwrap();
        path
    }
}

fn cities(city: &str) -> Vec<u8> {
    let cologne = json!({"country": {"iso_code": "DE"}, "city": {"names": {"en": city}},
        "subdivisions": [{"names": {"en": "North Rhine-Westphalia"}}]});
    mmdb::database("Test-City", &[("8.8.8.0/24", cologne.clone()), ("2001:db8::/32", cologne)])
}

fn place(geo: &Geo, address: &str) -> Place {
    geo.place(address.parse().unwrap())
}

fn look_twice(geo: &Geo) {
    geo.look_again();
    geo.look_again();
}

#[test]
fn the_users_databases_win_and_the_built_in_one_fills_the_rest() {
    let folder = Folder::new();
    let asn =
        json!({"autonomous_system_number": 64_500, "autonomous_system_organization": "Example Telecom"});
    let files = GeoFiles {
        city: Some(folder.put("city", &cities("Cologne"))),
        asn: Some(folder.put("asn", &mmdb::database("Test-ASN", &[("8.0.0.0/8", asn)]))),
        country: Some(folder.put(
            "country",
            &mmdb::database("Test-Country", &[("9.9.9.0/24", json!({"country": {"iso_code": "FR"}}))]),
        )),
        connection: Some(folder.put(
            "connection",
            &mmdb::database("Test-Connection", &[("8.8.8.8/32", json!({"connection_type": "Cellular"}))]),
        )),
    };
    let geo = Geo::open(&files).unwrap();
    for address in ["8.8.8.8", "::ffff:8.8.8.8"] {
        let place = place(&geo, address);
        assert_eq!(place.country, Country::parse("DE"), "{address}: not the built-in US");
        assert_eq!((place.region(), place.city()), (Some("North Rhine-Westphalia"), Some("Cologne")));
        assert_eq!((place.isp(), place.asn()), (Some("Example Telecom"), Some(64_500)));
        assert_eq!(place.connection(), Some("mobile"));
    }
    assert_eq!(place(&geo, "9.9.9.9").country, Country::parse("FR"));
    let elsewhere = place(&geo, "8.8.4.4");
    assert_eq!((elsewhere.country, elsewhere.city()), (Country::parse("US"), None));
    assert_eq!((elsewhere.asn(), elsewhere.connection()), (Some(64_500), None));
    assert_eq!(place(&geo, "2001:db8::7").city(), Some("Cologne"));
    assert_eq!(place(&geo, "2001:db9::7").city(), None);
    let nothing = Geo::default().place([8, 8, 8, 8].into());
    assert_eq!((nothing.country, nothing.isp()), (Country::parse("US"), None));
}

#[test]
fn a_file_that_changes_is_read_anew_once_it_stands_still() {
    let folder = Folder::new();
    let path = folder.put("city", &cities("Cologne"));
    let geo = Geo::open(&GeoFiles { city: Some(path.clone()), ..GeoFiles::default() }).unwrap();
    let city = || place(&geo, "8.8.8.8").city().map(str::to_owned).unwrap();
    look_twice(&geo);
    assert_eq!(city(), "Cologne");
    folder.put("city", &cities("Bonn am Rhein"));
    geo.look_again();
    assert_eq!(city(), "Cologne", "seen to change, perhaps still being written");
    geo.look_again();
    assert_eq!(city(), "Bonn am Rhein");

    let whole = cities("Essen");
    for broken in [&b""[..], b"no database", &whole[..whole.len() / 2], &whole[1_000..]] {
        folder.put("city", broken);
        look_twice(&geo);
        assert_eq!(city(), "Bonn am Rhein", "a broken one is refused");
    }
    std::fs::remove_file(&path).unwrap();
    look_twice(&geo);
    assert_eq!(city(), "Bonn am Rhein", "one that is gone stays in memory");
    folder.put("city", &whole);
    look_twice(&geo);
    assert_eq!(city(), "Essen");
    std::fs::write(&path, cities("Aachen")).unwrap();
    look_twice(&geo);
    assert_eq!(city(), "Aachen", "written over in its place");
}

#[test]
fn a_file_that_cannot_be_used_at_the_start_is_an_error_that_names_setting_and_file() {
    let folder = Folder::new();
    let refused = |path: PathBuf| {
        let files = GeoFiles { asn: Some(path), ..GeoFiles::default() };
        Geo::open(&files).err().unwrap().to_string()
    };
    for (path, why) in [
        (folder.path("none"), "it cannot be read"),
        (folder.put("text", b"hello"), "no whole MaxMind-format database"),
        (folder.put("city", &cities("Cologne")), "it calls itself \"Test-City\""),
        (folder.put("empty", &mmdb::database("Empty", &[])), "it calls itself \"Empty\""),
        (folder.0.path().to_owned(), "it cannot be read"),
    ] {
        let said = refused(path);
        assert!(said.starts_with("CLICKLEDGER_GEO_ASN: /") && said.contains(why), "{said}");
    }
}

/// Whatever stands in the file: an error or an unknown place, never a panic, never for long.
#[test]
fn damaged_databases_do_no_harm() {
    let folder = Folder::new();
    let whole = cities("Cologne");
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x55;
        let files = GeoFiles { city: Some(folder.put("city", &bytes)), ..GeoFiles::default() };
        if let Ok(geo) = Geo::open(&files) {
            for address in ["8.8.8.8", "2001:db8::1", "1.1.1.1", "::"] {
                let _ = place(&geo, address);
            }
        }
    }
}
