use super::*;
use crate::conversions::request::{self, Incoming};

const CID_TEXT: &str = "01jcz7m3v8f4n9q2r5t6w7x8y9";

fn claim(query: &str) -> Result<Claim, Refusal> {
    claim_for(query, &Advertiser::blank(Currency::USD))
}

fn claim_for(query: &str, advertiser: &Advertiser) -> Result<Claim, Refusal> {
    let incoming = Incoming { query: query.into(), ..Incoming::default() };
    read(&request::read(&incoming).unwrap(), advertiser)
}

fn code(query: &str) -> Code {
    claim(query).unwrap_err().code
}

#[test]
fn the_aliases_of_other_trackers_are_read() {
    for (query, micros) in [
        ("cid=x&payout=5", 5_000_000),
        ("click_id=x&sum=5", 5_000_000),
        ("cnv_id=x&amount=5", 5_000_000),
        ("sub_id=x&revenue=5", 5_000_000),
        ("subid=x&payout=5&amount=80", 5_000_000),
    ] {
        let claim = claim(query).unwrap();
        assert_eq!((claim.cid.as_str(), claim.revenue), ("x", Some(Money::from_micros(micros))), "{query}");
    }
    assert_eq!(claim("cid=x&payout=5&amount=80").unwrap().sale_amount, Some(Money::from_micros(80_000_000)));
    assert_eq!(claim("cid=&clickid=y").unwrap().cid, "y");
    assert_eq!(claim(&format!("tid={CID_TEXT}")).unwrap().cid, CID_TEXT);
}

#[test]
fn each_fault_has_its_code() {
    assert_eq!(code("payout=5"), Code::MissingClickId);
    assert_eq!(code("cid={sub2}&payout=5"), Code::UnresolvedMacro);
    assert_eq!(code("cid=x&payout=%23price%23"), Code::UnresolvedMacro);
    assert_eq!(code("cid=x&payout=abc"), Code::MalformedRevenue);
    assert_eq!(code("cid=x&payout=-5"), Code::MalformedRevenue);
    assert_eq!(code(&format!("cid=x&payout=1{}", "0".repeat(30))), Code::MalformedRevenue);
    assert_eq!(code("cid=x&status=perhaps"), Code::UnknownStatus);
    assert_eq!(code("cid=x&currency=XXXX"), Code::UnknownCurrency);
    assert!(claim("cid=x&payout=-5&status=refund").is_ok());
    let strict = Advertiser { missing_status: MissingStatus::Refused, ..Advertiser::blank(Currency::USD) };
    assert_eq!(claim_for("cid=x", &strict).unwrap_err().code, Code::MissingStatus);
}

#[test]
fn lists_in_the_address_name_words_before_the_vocabulary_does() {
    let lists = "sale_status=Lead,%20geil&lead_status=hold&rejected_status=reject,trash,cancelled";
    let status =
        |word: &str| claim(&format!("cid=x&{lists}&status={word}")).map(|claim| claim.status.unwrap());
    assert_eq!(status("lead"), Ok(Status::Approved));
    assert_eq!(status("GEIL"), Ok(Status::Approved));
    assert_eq!(status("hold"), Ok(Status::Pending));
    assert_eq!(status("cancelled"), Ok(Status::Rejected));
    assert_eq!(status("refund"), Ok(Status::Reversed));
    assert_eq!(status("gei").unwrap_err().code, Code::UnknownStatus);
    let mut advertiser = Advertiser::blank(Currency::USD);
    advertiser.status_map.insert("lead".to_owned(), Status::Rejected);
    let own = claim_for(&format!("cid=x&{lists}&status=lead"), &advertiser).unwrap();
    assert_eq!(own.status, Some(Status::Rejected), "the advertiser's own map comes first");
}

#[test]
fn the_advertisers_own_words_come_first() {
    let mut advertiser = Advertiser::blank(Currency::USD);
    advertiser.param_map.insert("s2".to_owned(), "cid".to_owned());
    advertiser.param_map.insert("sum".to_owned(), "sale_amount".to_owned());
    advertiser.status_map.insert("lead".to_owned(), Status::Approved);
    let claim = claim_for("cid=no&s2=yes&sum=9&payout=1&status=LEAD", &advertiser).unwrap();
    assert_eq!(claim.cid, "yes");
    assert_eq!(claim.sale_amount, Some(Money::from_micros(9_000_000)));
    assert_eq!(claim.status, Some(Status::Approved));
}
