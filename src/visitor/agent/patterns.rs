//! Reads the pattern file as it lies in the binary: which entries each section has, and an entry's values.
//!
//! The file is YAML, but of one narrow form (a section, entries, `key: 'value'`), which `static/agents/make.py` checks.
//! Reading that form takes a few lines, keeps every value a slice of the binary, and needs no YAML parser.

static FILE: &str = include_str!("../../../static/agents/regexes.yaml");

/// One entry: its lines, as they stand in the file.
#[derive(Clone, Copy)]
pub(super) struct Pattern(&'static str);

impl Pattern {
    /// The value of a key, without its quotes.
    pub(super) fn value(&self, key: &str) -> Option<&'static str> {
        self.0.lines().find_map(|line| {
            let line = line.trim_start();
            let line = line.strip_prefix("- ").unwrap_or(line);
            let quoted = line.strip_prefix(key)?.strip_prefix(": ")?.trim_end();
            quoted.strip_prefix('\'')?.strip_suffix('\'')
        })
    }

    /// The expression that an agent must match.
    pub(super) fn regex(&self) -> &'static str {
        self.value("regex").unwrap_or_default()
    }

    /// Whether capitals and small letters are the same to the expression.
    pub(super) fn ignores_case(&self) -> bool {
        self.value("regex_flag") == Some("i")
    }
}

/// The entries of a section, in their order, which is their precedence.
pub(super) fn section(name: &str) -> Vec<Pattern> {
    FILE.split_once(&format!("{name}:\n"))
        .map(|(_, rest)| rest.split_once("_parsers:\n").map_or(rest, |(section, _)| section))
        .into_iter()
        .flat_map(|section| section.split("\n  - ").skip(1))
        .map(Pattern)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_every_entry_of_every_section() {
        let counts = ["user_agent_parsers", "os_parsers", "device_parsers"].map(|name| section(name).len());
        let entries = FILE.lines().filter(|line| line.starts_with("  - regex: ")).count();
        assert_eq!(counts.iter().sum::<usize>(), entries);
        assert!(counts.iter().all(|count| *count > 150), "{counts:?}");
        assert!(section("no_parsers").is_empty());
    }

    #[test]
    fn reads_the_values_of_an_entry() {
        let pattern = Pattern(
            "regex: '(a) \"b\": c'\n    regex_flag: 'i'\n    # a remark\n    model_replacement: '$1'\n",
        );
        assert_eq!(pattern.regex(), "(a) \"b\": c");
        assert!(pattern.ignores_case());
        assert_eq!(pattern.value("model_replacement"), Some("$1"));
        assert_eq!(pattern.value("model"), None);
    }

    #[test]
    fn no_entry_lacks_an_expression() {
        for name in ["user_agent_parsers", "os_parsers", "device_parsers"] {
            assert!(section(name).iter().all(|pattern| !pattern.regex().is_empty()), "{name}");
        }
    }
}
