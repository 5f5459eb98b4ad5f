//! Networks from which servers speak, and hardly ever people: the list of `static/networks/data_centres.tsv`.

use std::sync::LazyLock;

static FILE: &str = include_str!("../../static/networks/data_centres.tsv");

/// The list's numbers in their order.
static NUMBERS: LazyLock<Vec<i64>> = LazyLock::new(|| {
    let mut numbers: Vec<i64> = rows().collect();
    numbers.sort_unstable();
    numbers
});

fn rows() -> impl Iterator<Item = i64> {
    FILE.lines().filter_map(|line| line.split('\t').next()?.parse().ok())
}

/// Whether a network is a data centre's.
pub(super) fn has(asn: i64) -> bool {
    NUMBERS.binary_search(&asn).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_whole_and_says_where_it_is_from() {
        let lines: Vec<&str> = FILE.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(rows().count(), lines.len(), "a line that is no row");
        assert!(lines.len() > 150);
        assert!(rows().is_sorted_by(|one, next| one < next), "each number once, in its order");
        assert!(lines.iter().all(|line| line.split('\t').nth(1).is_some_and(|whose| !whose.is_empty())));
        assert!(FILE.contains("Source: "));
    }

    #[test]
    fn servers_are_told_from_people() {
        assert!([16_509, 14_061, 24_940, 16_276].into_iter().all(has), "Amazon, DigitalOcean, Hetzner, OVH");
        // Telekom, Comcast, Reliance Jio, Cloudflare, nobody.
        assert!(![3_320, 7_922, 55_836, 13_335, 0, -1].into_iter().any(has));
    }
}
