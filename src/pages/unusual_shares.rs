//! Sources and offers with an unusual share of unusual conversions, as what needs attention.

use super::dashboard::Attention;
use super::parts::Piece;
use super::tables::Dot;
use super::words::{count, counted, percent};
use crate::reports::{UnusualShare, Whose};

/// Those that stand on the dashboard; the page of what needs attention has all of them.
const SHARES_MAX: usize = 3;

/// The first of them.
pub fn attention(shares: &[UnusualShare]) -> Vec<Attention> {
    shares.iter().take(SHARES_MAX).map(item).collect()
}

/// All of them.
pub fn attention_all(shares: &[UnusualShare]) -> Vec<Attention> {
    shares.iter().map(item).collect()
}

fn item(share: &UnusualShare) -> Attention {
    let filter = match share.whose {
        Whose::Source(id) => format!("source={id}"),
        Whose::Offer(id) => format!("offer={id}"),
    };
    let before = match share.before.ratio() {
        Some(ratio) => format!("and {} in the 14 days before", percent(Some(ratio), 1)),
        None => "and none came in the 14 days before".to_owned(),
    };
    let text = format!(
        "{} of {} in the last 24 hours are unusual ({}), {before}: look what they have in common.",
        count(share.day.unusual),
        counted(share.day.all.max(share.day.unusual), "conversion", "conversions"),
        percent(share.day.ratio(), 1)
    );
    Attention {
        dot: Dot::Warn,
        title: format!("{}: unusual conversions", share.name),
        href: format!("/conversions?{filter}&anomaly=any&range=last_7_days"),
        text: vec![Piece { text, is_marked: false }],
        ago: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reports::Share;

    #[test]
    fn it_says_how_many_of_how_many_and_what_was_usual() {
        let day = Share { unusual: 12, all: 60 };
        let said = |before| {
            let share = UnusualShare { whose: Whose::Source(7), name: "Push".to_owned(), day, before };
            let item = item(&share);
            assert!(item.href.starts_with("/conversions?source=7&anomaly=any"), "{}", item.href);
            item.text[0].text.clone()
        };
        assert_eq!(
            said(Share { unusual: 3, all: 300 }),
            "12 of 60 conversions in the last 24 hours are unusual (20.0%), and 1.0% in the 14 days before: look what \
             they have in common."
        );
        assert!(said(Share::default()).contains("none came in the 14 days before"));
    }
}
