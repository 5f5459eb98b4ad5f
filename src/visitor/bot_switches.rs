//! The guesses about machines that people switch on: off at first, since mobile carriers put thousands of people behind one
//! address, and companies lead theirs through data centres.

use crate::db::{AnyConnection, Result, settings};

/// The most and the fewest clicks that a limit may be set to: one click is never too many.
pub const LIMIT_CLICKS: std::ops::RangeInclusive<u32> = 2..=100_000;

/// The shortest and the longest time over which clicks are counted, in minutes: a day at most.
pub const LIMIT_MINUTES: std::ops::RangeInclusive<u32> = 1..=1_440;

/// Which guesses are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BotSwitches {
    /// Clicks from networks of data centres are machines'.
    pub data_centres: bool,
    /// So many clicks from one address are a machine's.
    pub address_limit: Option<AddressLimit>,
}

/// How many clicks of one address within which time are people's; every further one is held to be a machine's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressLimit {
    /// So many clicks,
    pub clicks: u32,
    /// within so many minutes.
    pub minutes: u32,
}

impl BotSwitches {
    /// Reads what is set. What cannot be read is off.
    ///
    /// # Errors
    /// The database fails.
    pub fn load(conn: &mut AnyConnection) -> Result<Self> {
        let data_centres = settings::find(conn, settings::BOT_DATA_CENTRES)?.is_some();
        let mut number = |name| -> Result<Option<u32>> {
            Ok(settings::find(conn, name)?.and_then(|text| text.parse().ok()))
        };
        let clicks = number(settings::BOT_ADDRESS_CLICKS)?.filter(|clicks| LIMIT_CLICKS.contains(clicks));
        let minutes =
            number(settings::BOT_ADDRESS_MINUTES)?.filter(|minutes| LIMIT_MINUTES.contains(minutes));
        let address_limit = clicks.zip(minutes).map(|(clicks, minutes)| AddressLimit { clicks, minutes });
        Ok(Self { data_centres, address_limit })
    }

    /// Sets them.
    ///
    /// # Errors
    /// The database fails.
    pub fn store(self, conn: &mut AnyConnection) -> Result<()> {
        let limit = self.address_limit;
        let values = [
            (settings::BOT_DATA_CENTRES, self.data_centres.then(|| "on".to_owned())),
            (settings::BOT_ADDRESS_CLICKS, limit.map(|limit| limit.clicks.to_string())),
            (settings::BOT_ADDRESS_MINUTES, limit.map(|limit| limit.minutes.to_string())),
        ];
        for (name, value) in values {
            match value {
                Some(value) => settings::put(conn, name, &value)?,
                None => {
                    settings::remove(conn, name)?;
                }
            }
        }
        Ok(())
    }
}
