use super::*;
use crate::conversions::request::{self, Incoming, Params};
use crate::db::conversions::NewConversion;
use crate::domain::anomaly::{self, Anomalies};
use crate::domain::click_id::ClickId;
use crate::domain::money::Currency;
use crate::domain::origin::Origin;
use crate::domain::status::Status;
use proptest::prelude::*;

const OWN: i64 = 1;

fn conversion(id: i64, txid: &str, is_unconfirmed: bool) -> Conversion {
    let value = NewConversion {
        click_id: ClickId::new(1_000, [7; 10]),
        event: "sale".to_owned(),
        txid: txid.to_owned(),
        seq: 0,
        advertiser_id: OWN,
        campaign_id: 1,
        path_id: None,
        lander_id: None,
        offer_id: None,
        source_id: None,
        clicked_at_ms: 1_000,
        converted_at_ms: 2_000 + id,
        recorded_at_ms: 2_000,
        updated_at_ms: 2_000,
        status: Status::Pending,
        advertiser_status: None,
        revenue_original_micros: 0,
        revenue_reported_micros: None,
        currency: Currency::USD,
        rate_nanos: 1_000_000_000,
        revenue_micros: 0,
        payout_status: Status::Pending,
        payout_micros: 0,
        sale_amount_micros: None,
        counts_as_conversion: true,
        counts_in_revenue: true,
        is_over_cap: false,
        place: None,
        is_bot: false,
        is_test: false,
        reason: None,
        origin: if is_unconfirmed { Origin::Pixel } else { Origin::Postback },
        is_unconfirmed,
        said: anomaly::Said::default(),
        anomalies: Anomalies::default(),
    };
    Conversion { id, value }
}

fn claim(txid: &str) -> Claim {
    let query = format!("cid=x&txid={txid}").into_bytes();
    let params: Params = request::read(&Incoming { query, ..Incoming::default() }).unwrap();
    crate::conversions::pixel::read(&params, Currency::USD).unwrap()
}

/// What one says of a click: a page its report, or the advertiser its postback.
#[derive(Clone, Debug)]
enum Said {
    Report(&'static str),
    Postback(&'static str),
}

/// A click's conversions, changed as the ledger changes them as far as their identity goes.
#[derive(Default)]
struct Ledger(Vec<Conversion>);

impl Ledger {
    fn hear(&mut self, said: &Said) {
        let next = i64::try_from(self.0.len()).unwrap();
        match said {
            Said::Report(txid) => match find_reported(&self.0, &claim(txid), OWN).map(|found| found.id) {
                None => self.0.push(conversion(next, txid, true)),
                Some(id) if self.at(id).value.is_unconfirmed => self.join(id, txid),
                Some(_) => {}
            },
            Said::Postback(txid) => match find_identity(&self.0, &claim(txid), OWN, false) {
                Identity::None => self.0.push(conversion(next, txid, false)),
                Identity::One(found) => {
                    let id = found.id;
                    self.join(id, txid);
                }
                Identity::Reported(found) => {
                    let id = found.id;
                    *self.at(id) = conversion(id, txid, false);
                }
                Identity::Several(_) => {}
            },
        }
    }

    fn at(&mut self, id: i64) -> &mut Conversion {
        self.0.iter_mut().find(|known| known.id == id).unwrap()
    }

    fn join(&mut self, id: i64, txid: &str) {
        let value = &mut self.at(id).value;
        if value.txid.is_empty() {
            txid.clone_into(&mut value.txid);
        }
    }

    fn txids(&self, is_unconfirmed: bool) -> Vec<&str> {
        let of = self.0.iter().filter(|known| known.value.is_unconfirmed == is_unconfirmed);
        let mut txids: Vec<&str> = of.map(|known| known.value.txid.as_str()).collect();
        txids.sort_unstable();
        txids
    }
}

fn said() -> impl Strategy<Value = Said> {
    let txid = prop::sample::select(vec!["", "a", "b", "c"]);
    (any::<bool>(), txid)
        .prop_map(|(is_report, txid)| if is_report { Said::Report(txid) } else { Said::Postback(txid) })
}

proptest! {
    /// Whatever pages report, and whenever: what counts is what postbacks alone would have made.
    #[test]
    fn reports_never_change_what_postbacks_make(story in prop::collection::vec(said(), 0..12)) {
        let (mut all, mut alone) = (Ledger::default(), Ledger::default());
        for one in &story {
            all.hear(one);
            if let Said::Postback(_) = one {
                alone.hear(one);
            }
            prop_assert_eq!(all.txids(false), alone.txids(false));
        }
        let mut reported = all.txids(true);
        reported.dedup();
        prop_assert_eq!(reported.len(), all.txids(true).len(), "each report waits once");
    }

    /// A copy of a report changes nothing.
    #[test]
    fn a_copy_of_a_report_is_heard_once(story in prop::collection::vec(said(), 0..12), txid in prop::sample::select(vec!["", "a", "d"])) {
        let mut ledger = Ledger::default();
        story.iter().chain([&Said::Report(txid)]).for_each(|one| ledger.hear(one));
        let before = ledger.0.clone();
        ledger.hear(&Said::Report(txid));
        prop_assert_eq!(before, ledger.0);
    }
}

#[test]
fn a_postback_takes_its_own_report_first_and_then_the_oldest() {
    let known = [conversion(1, "a", true), conversion(2, "b", true), conversion(3, "", true)];
    let taken = |txid: &str| match find_identity(&known, &claim(txid), OWN, false) {
        Identity::Reported(found) => found.id,
        other => panic!("{other:?}"),
    };
    assert_eq!((taken("b"), taken("z"), taken("")), (2, 1, 1));
}

#[test]
fn a_report_waits_for_its_own_advertiser_and_kind_of_traffic() {
    let known = [conversion(1, "a", true)];
    assert_eq!(find_identity(&known, &claim("z"), 2, false), Identity::None);
    assert_eq!(find_identity(&known, &claim("z"), OWN, true), Identity::None, "a test confirms nothing real");
    assert_eq!(
        find_identity(&known, &claim("a"), 2, false),
        Identity::Reported(&known[0]),
        "the order is its own"
    );
    let confirmed = [conversion(1, "a", false)];
    assert_eq!(find_reported(&confirmed, &claim("a"), 2), None);
    assert_eq!(find_reported(&known, &claim("a"), 2), Some(&known[0]));
}
