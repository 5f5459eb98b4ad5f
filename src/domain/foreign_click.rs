//! Clicks that another tracker gave out, as a file of theirs names them: one on each line, by its id there.

use super::click_id::ClickId;
use super::input::Reading;
use super::moment;
use super::money::Money;
use serde_json::Value;

/// Characters of another tracker's click id: theirs have at most some dozens.
pub const FOREIGN_ID_CHARS_MAX: usize = 255;

/// Lines of one file.
pub const LINES_MAX: usize = 200_000;

/// How old a click may be, in days: no advertiser waits longer, and its month needs a place in the database.
pub const CLICK_DAYS_MAX: i64 = 400;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// The columns of a line, in the order in which they stand where no first line names them.
const COLUMNS: [&str; 5] = ["foreign_click_id", "campaign", "offer", "clicked_at", "cost"];

/// What first lines of other trackers call the first column.
const ID_NAMES: [&str; 7] = ["foreign_click_id", "click_id", "clickid", "click id", "cid", "subid", "sub_id"];

/// A line that could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignLine {
    /// Where it stands, from 1.
    pub line: u64,
    /// Its id there.
    pub foreign_id: String,
    /// The campaign here: its number, its address's last part, or an old address of it.
    pub campaign: String,
    /// The offer that it reached, where that is said.
    pub offer_id: Option<i64>,
    /// When it came, Unix milliseconds; the time of the import where nothing is said.
    pub clicked_at_ms: Option<i64>,
    /// What it cost in the account's currency, where that is said.
    pub cost: Option<Money>,
}

/// A line with what is wrong with it.
pub type Fault = (u64, String);

/// Reads a file, commas, semicolons or tabs between the columns, with or without a first line that names them.
///
/// # Errors
/// The file as a whole cannot be read.
pub fn read(text: &str, now_ms: i64) -> Result<(Vec<ForeignLine>, Vec<Fault>), String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let first = text.lines().next().unwrap_or_default();
    let delimiter = [b'\t', b';'].into_iter().find(|byte| first.bytes().any(|b| b == *byte)).unwrap_or(b',');
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let (mut lines, mut faults) = (Vec::new(), Vec::new());
    let mut columns: [Option<usize>; 5] = [0, 1, 2, 3, 4].map(Some);
    for (at, record) in reader.records().enumerate() {
        let record = record.map_err(|why| format!("The file cannot be read as lines with columns: {why}"))?;
        if record.iter().all(str::is_empty) {
            continue;
        }
        let line = record.position().map_or(0, csv::Position::line);
        let cell = |column: usize| {
            columns.get(column).copied().flatten().and_then(|at| record.get(at)).unwrap_or("")
        };
        if at == 0
            && ID_NAMES.iter().any(|name| record.get(0).is_some_and(|cell| cell.eq_ignore_ascii_case(name)))
        {
            columns = named_columns(&record)?;
            continue;
        }
        if at > LINES_MAX {
            return Err(format!("A file has at most {LINES_MAX} lines: send the rest in another one"));
        }
        match read_line(line, [cell(0), cell(1), cell(2), cell(3), cell(4)], now_ms) {
            Ok(read) => lines.push(read),
            Err(why) => faults.push((line, why)),
        }
    }
    Ok((lines, faults))
}

/// Where the columns stand that a first line names.
fn named_columns(record: &csv::StringRecord) -> Result<[Option<usize>; 5], String> {
    let mut columns = [None; 5];
    for (at, name) in record.iter().enumerate() {
        let name = if at == 0 { "foreign_click_id".to_owned() } else { name.to_ascii_lowercase() };
        let place = COLUMNS.iter().position(|known| *known == name).and_then(|place| columns.get_mut(place));
        match place {
            Some(place) if place.is_none() => *place = Some(at),
            _ => {
                let shown: String = name.chars().take(40).collect();
                return Err(format!(
                    "The first line names a column {shown:?}, which is unknown or stands there twice: there are {}",
                    COLUMNS.join(", ")
                ));
            }
        }
    }
    Ok(columns)
}

fn read_line(line: u64, [id, campaign, offer, at, cost]: [&str; 5], now_ms: i64) -> Reading<ForeignLine> {
    if id.is_empty() || id.chars().count() > FOREIGN_ID_CHARS_MAX || id.chars().any(char::is_control) {
        return Err(format!("The click id must have 1 to {FOREIGN_ID_CHARS_MAX} characters"));
    }
    if ClickId::parse(id).is_some() {
        return Err(format!(
            "{id} has the form of a click id of this tracker, and would be looked for among its clicks"
        ));
    }
    if campaign.is_empty() {
        return Err("Name the campaign in the second column, by its number or the last part of its address"
            .to_owned());
    }
    let offer_id = if offer.is_empty() {
        None
    } else {
        let known = offer.parse::<i64>().ok().filter(|id| *id > 0);
        Some(known.ok_or_else(|| format!("{:?} is no offer's number", short(offer)))?)
    };
    let cost = if cost.is_empty() {
        None
    } else {
        let read = Money::read(cost).map_err(|why| format!("The cost {:?} {why}", short(cost)))?.money;
        Some(read)
            .filter(|cost| cost.micros() >= 0)
            .map_or_else(|| Err("The cost must not be negative".to_owned()), |cost| Ok(Some(cost)))?
    };
    let clicked_at_ms = read_time(at, now_ms)?;
    Ok(ForeignLine {
        line,
        foreign_id: id.to_owned(),
        campaign: campaign.to_owned(),
        offer_id,
        clicked_at_ms,
        cost,
    })
}

/// RFC 3339, a date and time in UTC, or Unix seconds or milliseconds.
fn read_time(text: &str, now_ms: i64) -> Reading<Option<i64>> {
    if text.is_empty() {
        return Ok(None);
    }
    let at_ms = match text.parse::<i64>() {
        Ok(number) if text.len() >= 12 => number,
        Ok(number) => number.saturating_mul(1_000),
        Err(_not_a_number) => {
            let plain = Value::from(
                text.get(..19).filter(|_| text.len() == 19).map_or(text, |head| head).replace(' ', "T"),
            );
            moment::read(&plain)
                .map_err(|_not_a_time| {
                    format!("{:?} is no time: write one like 2026-11-21T08:00:00Z", short(text))
                })?
                .unwrap_or(now_ms)
        }
    };
    if at_ms > now_ms {
        return Err(format!("{} lies in the future", short(text)));
    }
    if at_ms < now_ms.saturating_sub(CLICK_DAYS_MAX * DAY_MS) {
        return Err(format!("{} lies more than {CLICK_DAYS_MAX} days back", short(text)));
    }
    Ok(Some(at_ms))
}

fn short(text: &str) -> String {
    text.chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW_MS: i64 = 1_795_248_000_000;

    #[test]
    fn lines_are_read_with_and_without_names() {
        let (lines, faults) =
            read("wAbc1,push,7,2026-11-20T08:00:00Z,0.05\nw2,12\n\n\"w,3\",/old-one,,1795161600\n", NOW_MS)
                .unwrap();
        assert_eq!(faults, []);
        assert_eq!((lines[0].offer_id, lines[0].cost), (Some(7), Some(Money::from_micros(50_000))));
        assert_eq!(lines[0].clicked_at_ms, Some(NOW_MS - DAY_MS));
        assert_eq!((lines[1].campaign.as_str(), lines[1].clicked_at_ms), ("12", None));
        assert_eq!((lines[2].foreign_id.as_str(), lines[2].clicked_at_ms), ("w,3", Some(NOW_MS - DAY_MS)));
        let (named, _) =
            read("\u{feff}clickid;cost;campaign;clicked_at\nx1;1,5;push;2026-11-20 08:00:00\n", NOW_MS)
                .unwrap();
        assert_eq!(
            (named[0].campaign.as_str(), named[0].cost),
            ("push", Some(Money::from_micros(1_500_000)))
        );
        assert_eq!(named[0].clicked_at_ms, Some(NOW_MS - DAY_MS));
        assert!(read("clickid,colour\n", NOW_MS).unwrap_err().contains("colour"));
    }

    #[test]
    fn each_fault_has_its_line_and_says_what_to_change() {
        let ours = ClickId::new(1, [7; 10]);
        let text = format!(
            ",push\nx\n{ours},push\nx,push,offer\nx,push,,tomorrow\nx,push,,2036-01-01T00:00:00Z\nx,push,,1\nx,push,,,free\nx,push,,,-1\n{},push",
            "x".repeat(256)
        );
        let (lines, faults) = read(&text, NOW_MS).unwrap();
        assert!(lines.is_empty(), "{lines:?}");
        let at: Vec<u64> = faults.iter().map(|(line, _)| *line).collect();
        assert_eq!(at, (1..=10).collect::<Vec<_>>());
        assert!(read(&"x,push\n".repeat(LINES_MAX + 2), NOW_MS).unwrap_err().contains("200000"));
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in "\\PC{0,80}(\n\\PC{0,40}){0,3}") {
            let _ = read(&text, NOW_MS);
        }
    }
}
