//! Which of a table's columns is which of our fields: chosen by a person, guessed from the header's words before.

use super::super::words::word_enum;
use super::Sheet;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

word_enum! {
    /// What a column of conversions may hold for us.
    pub enum Field {
        /// Our click id.
        ClickId => "click_id",
        /// The sender's transaction.
        Txid => "txid",
        /// What happened.
        Event => "event",
        /// What we earn.
        Revenue => "revenue",
        /// What the customer paid.
        SaleAmount => "sale_amount",
        /// The currency of both.
        Currency => "currency",
        /// What became of it.
        Status => "status",
        /// When it happened.
        Time => "time",
        /// Why it was declined.
        Reason => "reason",
    }
}

impl Field {
    /// What it is called beside a list to choose from.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::ClickId => "Click id",
            Self::Txid => "Transaction",
            Self::Event => "Event",
            Self::Revenue => "Revenue",
            Self::SaleAmount => "Order value",
            Self::Currency => "Currency",
            Self::Status => "Status",
            Self::Time => "Time",
            Self::Reason => "Reason",
        }
    }

    /// Headers that mean it, the surest first.
    fn words(self) -> impl Iterator<Item = &'static str> {
        let own = WORDS.iter().find(|(field, _)| *field == self);
        own.map_or("", |(_, words)| words).split_ascii_whitespace()
    }
}

/// Headers that mean a field, the surest first, in small letters and digits alone.
const WORDS: [(Field, &str); 9] = [
    (
        Field::ClickId,
        "clickid cid clickledgerclickid trackerclickid affclickid affiliateclickid subid affsub \
         sub1 subid1 affsub1 s1 s2 sub2 subid2 affsub2 cnvid sid clickref externalid \
         externalclickid click",
    ),
    (
        Field::Txid,
        "txid transactionid orderid tid transaction conversionid leadid actionid order ordernumber \
         orderref saleid eventid postbackid",
    ),
    (Field::Event, "event eventname goal goalname eventtype conversiontype actiontype type goalid et cet"),
    (
        Field::Revenue,
        "payout commission revenue earnings publishercommission commissionamount payoutamount \
         reward income sum amount cnvpayout",
    ),
    (
        Field::SaleAmount,
        "saleamount ordervalue orderamount salevalue ordersum carttotal sale orderprice amount \
         revenue",
    ),
    (Field::Currency, "currency currencycode payoutcurrency cnvcurrency commissioncurrency"),
    (
        Field::Status,
        "status conversionstatus cnvstatus state leadstatus orderstatus transactionstatus \
         actionstatus commissionstatus approvalstatus",
    ),
    (
        Field::Time,
        "conversiontime conversiondate eventtime eventdate transactiontime transactiondate \
         convertedat datetime time date timestamp createdat orderdate actiondate saledate created \
         leadtime day",
    ),
    (Field::Reason, "reason declinereason rejectreason rejectionreason comment note"),
];

/// Which column, by its name, holds each field; a field without one is not in the table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mapping(pub BTreeMap<Field, String>);

impl Mapping {
    /// The number of a field's column in a table.
    #[must_use]
    pub fn place(&self, field: Field, columns: &[String]) -> Option<usize> {
        let name = self.0.get(&field)?;
        columns.iter().position(|column| column == name)
    }

    /// Whether every column it names is there.
    #[must_use]
    pub fn fits(&self, columns: &[String]) -> bool {
        self.0.values().all(|name| columns.contains(name))
    }

    /// The first column that is named and not there.
    #[must_use]
    pub fn missing(&self, columns: &[String]) -> Option<(Field, &str)> {
        let named = self.0.iter().map(|(field, name)| (*field, name.as_str()));
        named.into_iter().find(|(_, name)| !columns.iter().any(|column| column == name))
    }
}

/// Guesses which column holds which field: from the header's words, surest first, each column once; where none says that it
/// holds click ids, from the values themselves.
#[must_use]
pub fn guess(sheet: &Sheet, is_click_id: impl Fn(&str) -> bool) -> Mapping {
    let plain: Vec<String> = sheet.columns.iter().map(|name| plain(name)).collect();
    let mut mapping = BTreeMap::new();
    let mut taken = vec![false; plain.len()];
    if let Some(at) = of_click_ids(sheet, is_click_id) {
        take(&mut mapping, &mut taken, sheet, Field::ClickId, at);
    }
    for field in Field::ALL.iter().copied() {
        if mapping.contains_key(&field) {
            continue;
        }
        let is_free = |at: &usize| taken.get(*at) == Some(&false);
        let found =
            field.words().find_map(|word| plain.iter().position(|name| *name == word).filter(is_free));
        if let Some(at) = found {
            take(&mut mapping, &mut taken, sheet, field, at);
        }
    }
    Mapping(mapping)
}

fn take(mapping: &mut BTreeMap<Field, String>, taken: &mut [bool], sheet: &Sheet, field: Field, at: usize) {
    if let (Some(name), Some(is_taken)) = (sheet.columns.get(at), taken.get_mut(at)) {
        mapping.insert(field, name.clone());
        *is_taken = true;
    }
}

/// Rows that are looked at to find the column of click ids.
const PROBE_ROWS: usize = 50;

/// The column that holds the most click ids of ours among the first rows.
fn of_click_ids(sheet: &Sheet, is_click_id: impl Fn(&str) -> bool) -> Option<usize> {
    let count =
        |at: usize| sheet.rows.iter().take(PROBE_ROWS).filter(|row| is_click_id(row.cell(at))).count();
    let best = (0..sheet.columns.len()).map(|at| (count(at), std::cmp::Reverse(at))).max()?;
    (best.0 > 0).then_some(best.1.0)
}

/// A header's word without what people write it differently by.
fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{Layout, read};
    use super::*;

    fn guessed(text: &str) -> Vec<(&'static str, String)> {
        let sheet = read(text, Layout::default()).unwrap();
        let mapping = guess(&sheet, |text| text == "OURS");
        mapping.0.into_iter().map(|(field, name)| (field.as_str(), name)).collect()
    }

    #[test]
    fn headers_of_networks_are_known() {
        let pairs = |list: &[(&'static str, &str)]| -> Vec<(&'static str, String)> {
            list.iter().map(|(field, name)| (*field, (*name).to_owned())).collect()
        };
        assert_eq!(
            guessed(
                "Date,Aff Sub,Transaction ID,Payout,Sale Amount,Currency,Status,Goal Name\n1,2,3,4,5,6,7,8"
            ),
            pairs(&[
                ("click_id", "Aff Sub"),
                ("txid", "Transaction ID"),
                ("event", "Goal Name"),
                ("revenue", "Payout"),
                ("sale_amount", "Sale Amount"),
                ("currency", "Currency"),
                ("status", "Status"),
                ("time", "Date"),
            ])
        );
        assert_eq!(
            guessed("order_id;amount;commission\n1;2;3"),
            pairs(&[("txid", "order_id"), ("revenue", "commission"), ("sale_amount", "amount")])
        );
        assert_eq!(
            guessed("subid,Click Id,s3\n1,2,OURS"),
            pairs(&[("click_id", "s3")]),
            "what the values say counts more than the header"
        );
        assert_eq!(guessed("a,b\n1,2"), []);
    }

    #[test]
    fn a_mapping_knows_what_it_misses() {
        let mapping: Mapping = serde_json::from_str(r#"{"click_id":"a","txid":"b"}"#).unwrap();
        let columns = ["a".to_owned(), "c".to_owned()];
        assert_eq!(mapping.missing(&columns), Some((Field::Txid, "b")));
        assert_eq!((mapping.place(Field::ClickId, &columns), mapping.fits(&columns)), (Some(0), false));
        assert_eq!(serde_json::to_string(&mapping).unwrap(), r#"{"click_id":"a","txid":"b"}"#);
    }
}
