//! Address -> country, from the database that ships in the binary, searched where it lies.
//!
//! The form of the file is described at the head of `static/geo/make.py`, which makes it.

use std::net::IpAddr;
use std::sync::LazyLock;

use crate::domain::Country;

/// Entries in a block, as `make.py` writes them.
const BLOCK_ENTRIES: usize = 32;
const MAGIC: &[u8] = b"CLGEOIP\0";
const VERSION: u16 = 1;

static BLOB: &[u8] = include_bytes!("../../static/geo/country.bin");

static BUILT_IN: LazyLock<Database> = LazyLock::new(|| {
    // A test opens the same bytes, so a build whose file is broken does not pass; should it run all the same,
    // clicks without a country are better than no clicks.
    Database::open(BLOB).unwrap_or_else(|error| {
        tracing::error!(%error, "the built-in country database cannot be read: every country will be unknown");
        Database::EMPTY
    })
});

/// The country of an address by the built-in database; `None` for private, reserved and unknown ones.
/// An IPv4 address written as IPv6 (`::ffff:1.2.3.4`) is looked up as IPv4.
#[must_use]
pub fn of(address: IpAddr) -> Option<Country> {
    BUILT_IN.country(address)
}

/// The day of the built-in data, as the number 20260625.
#[must_use]
pub fn source_date() -> u32 {
    BUILT_IN.source_date
}

/// What is wrong with a country database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malformed {
    /// Shorter than its header says, or than a header.
    Short,
    /// Longer than its header says.
    Long,
    /// Not a country database.
    Magic,
    /// A version of the form that this program does not read.
    Version(u16),
}

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Short => f.write_str("it is shorter than its header says"),
            Self::Long => f.write_str("it is longer than its header says"),
            Self::Magic => f.write_str("it is not a country database"),
            Self::Version(version) => write!(f, "its version is {version}, and only {VERSION} is read"),
        }
    }
}

impl std::error::Error for Malformed {}

/// An opened database: views into the bytes, nothing copied.
struct Database {
    source_date: u32,
    codes: &'static [[u8; 2]],
    four: Table<4>,
    six: Table<16>,
}

impl Database {
    const EMPTY: Self = Self { source_date: 0, codes: &[], four: Table::EMPTY, six: Table::EMPTY };

    fn open(blob: &'static [u8]) -> Result<Self, Malformed> {
        let mut rest = Reader(blob);
        if rest.take(MAGIC.len())? != MAGIC {
            return Err(Malformed::Magic);
        }
        let version = rest.u16()?;
        if version != VERSION {
            return Err(Malformed::Version(version));
        }
        let codes_len = usize::from(rest.u16()?);
        let source_date = rest.u32()?;
        let (blocks4, blocks6, bytes4, bytes6) = (rest.count()?, rest.count()?, rest.count()?, rest.count()?);
        let codes = rest.rows(codes_len)?;
        let four = Table::read(&mut rest, blocks4, bytes4)?;
        let six = Table::read(&mut rest, blocks6, bytes6)?;
        if rest.0.is_empty() { Ok(Self { source_date, codes, four, six }) } else { Err(Malformed::Long) }
    }

    fn country(&self, address: IpAddr) -> Option<Country> {
        let number = match address.to_canonical() {
            IpAddr::V4(address) => self.four.find(address.octets())?,
            IpAddr::V6(address) => self.six.find(address.octets())?,
        };
        let code = self.codes.get(usize::from(number).checked_sub(1)?)?;
        Country::from_code(*code)
    }
}

/// One address family: `N` bytes to an address.
struct Table<const N: usize> {
    firsts: &'static [[u8; N]],
    offsets: &'static [[u8; 4]],
    data: &'static [u8],
}

impl<const N: usize> Table<N> {
    const EMPTY: Self = Self { firsts: &[], offsets: &[], data: &[] };

    fn read(rest: &mut Reader, blocks: usize, bytes: usize) -> Result<Self, Malformed> {
        Ok(Self { firsts: rest.rows(blocks)?, offsets: rest.rows(blocks)?, data: rest.take(bytes)? })
    }

    /// The number of the country (0 for none) of the entry that the address falls into.
    fn find(&self, address: [u8; N]) -> Option<u8> {
        let block = self.firsts.partition_point(|first| *first <= address).checked_sub(1)?;
        let first = self.firsts.get(block)?;
        let offset = usize::try_from(u32::from_le_bytes(*self.offsets.get(block)?)).ok()?;
        let [shift, width, entries @ ..] = self.data.get(offset..)? else { return None };
        let width = usize::from(*width);
        let (keys, countries) = entries.split_at_checked(BLOCK_ENTRIES.checked_mul(width)?)?;
        let wanted = number(&address).checked_sub(number(first))?.checked_shr(u32::from(*shift))?;
        let entry = last_not_above(keys, width, wanted)?;
        countries.get(entry).copied()
    }
}

/// Index of the last of the block's keys that is not above `wanted`.
fn last_not_above(keys: &[u8], width: usize, wanted: u128) -> Option<usize> {
    let (mut low, mut high) = (0, BLOCK_ENTRIES);
    while low < high {
        let middle = usize::midpoint(low, high);
        let key = keys.get(middle * width..(middle + 1) * width)?;
        if number(key) <= wanted {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low.checked_sub(1)
}

/// Big-endian bytes as a number.
fn number(bytes: &[u8]) -> u128 {
    bytes.iter().fold(0, |number, byte| number << 8 | u128::from(*byte))
}

/// Takes parts off the front of the file.
struct Reader(&'static [u8]);

impl Reader {
    fn take(&mut self, len: usize) -> Result<&'static [u8], Malformed> {
        let (part, rest) = self.0.split_at_checked(len).ok_or(Malformed::Short)?;
        self.0 = rest;
        Ok(part)
    }

    fn rows<const N: usize>(&mut self, count: usize) -> Result<&'static [[u8; N]], Malformed> {
        let (rows, _) = self.take(count.checked_mul(N).ok_or(Malformed::Short)?)?.as_chunks();
        Ok(rows)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (array, rest) = self.0.split_first_chunk().ok_or(Malformed::Short)?;
        self.0 = rest;
        Ok(*array)
    }

    fn u16(&mut self) -> Result<u16, Malformed> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Result<u32, Malformed> {
        self.array().map(u32::from_le_bytes)
    }

    fn count(&mut self) -> Result<usize, Malformed> {
        usize::try_from(self.u32()?).map_err(|_too_large| Malformed::Short)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letters(address: &str) -> Option<String> {
        of(address.parse().unwrap()).map(|country| country.to_string())
    }

    /// Ends of the address space, edges of ranges with their neighbours, and addresses at random, taken from the
    /// source itself when the database was made.
    #[test]
    fn answers_as_the_source_does() {
        let samples = include_str!("../../static/geo/samples.tsv");
        let mut checked = 0;
        for line in samples.lines() {
            let (address, expected) = line.split_once('\t').unwrap();
            assert_eq!(letters(address).as_deref().unwrap_or("-"), expected, "{address}");
            checked += 1;
        }
        assert!(checked >= 1_200, "only {checked} samples");
    }

    #[test]
    fn private_and_reserved_addresses_have_no_country() {
        for address in [
            "0.0.0.0",
            "10.1.2.3",
            "127.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.1.1",
            "100.64.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fd00::1",
            "ff02::1",
            "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        ] {
            assert_eq!(letters(address), None, "{address}");
        }
    }

    #[test]
    fn an_ipv4_address_written_as_ipv6_is_looked_up_as_ipv4() {
        for address in ["8.8.8.8", "1.0.0.1", "81.2.69.160", "10.0.0.1"] {
            assert_eq!(letters(&format!("::ffff:{address}")), letters(address), "{address}");
        }
        assert_eq!(letters("::ffff:8.8.8.8").as_deref(), Some("US"));
    }

    #[test]
    fn well_known_addresses() {
        for (address, expected) in
            [("8.8.8.8", "US"), ("77.88.8.8", "RU"), ("2a02:6b8::feed:ff", "RU"), ("202.12.27.33", "JP")]
        {
            assert_eq!(letters(address).as_deref(), Some(expected), "{address}");
        }
        assert!((20_260_101..20_400_101).contains(&source_date()));
    }

    #[test]
    fn every_code_of_the_file_is_a_country() {
        let database = Database::open(BLOB).unwrap();
        assert!(database.codes.len() > 200);
        assert!(database.codes.iter().all(|code| Country::from_code(*code).is_some()));
    }

    fn open(change: impl FnOnce(&mut Vec<u8>)) -> Result<Database, Malformed> {
        let mut blob = BLOB.to_vec();
        change(&mut blob);
        Database::open(blob.leak())
    }

    #[test]
    fn a_file_that_is_not_as_it_should_be_is_refused_by_name() {
        assert_eq!(open(|blob| blob.clear()).err(), Some(Malformed::Short));
        assert_eq!(open(|blob| blob.truncate(20)).err(), Some(Malformed::Short));
        assert_eq!(open(|blob| blob.truncate(blob.len() - 1)).err(), Some(Malformed::Short));
        assert_eq!(open(|blob| blob.push(0)).err(), Some(Malformed::Long));
        assert_eq!(open(|blob| blob[0] = b'X').err(), Some(Malformed::Magic));
        assert_eq!(open(|blob| blob[8] = 9).err(), Some(Malformed::Version(9)));
        assert_eq!(open(|blob| blob[19] = 0xff).err(), Some(Malformed::Short));
        assert_eq!(Malformed::Version(9).to_string(), "its version is 9, and only 1 is read");
    }

    #[test]
    fn damaged_contents_give_no_country_and_no_panic() {
        let database =
            open(|blob| blob.iter_mut().skip(32).step_by(3).for_each(|byte| *byte ^= 0xa5)).unwrap();
        for part in 0..=u8::MAX {
            let _ = database.country(IpAddr::from([part, part, 3, 4]));
            let _ = database.country(IpAddr::from([u16::from(part) << 8, 7, 0, 0, 0, 0, 0, 1]));
        }
        assert_eq!(Database::EMPTY.country(IpAddr::from([8, 8, 8, 8])), None);
    }
}
