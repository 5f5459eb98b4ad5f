//! How each made-up campaign goes: where its traffic comes from, what it costs and what it earns.

/// How a campaign's traffic changes over the month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trend {
    Flat,
    Growing,
    Declining,
    /// It began on a day of the month.
    From(i64),
    /// It was paused on a day of the month.
    Until(i64),
}

/// A campaign and how it goes.
pub(super) struct CampaignPlan {
    pub(super) name: &'static str,
    pub(super) tag: &'static str,
    pub(super) source: usize,
    pub(super) country: &'static str,
    pub(super) language: &'static str,
    /// Hours that clocks there are ahead of UTC.
    pub(super) hours_ahead: i64,
    /// Traffic on Saturdays and Sundays, in per cent of other days.
    pub(super) weekend_percent: u64,
    pub(super) trend: Trend,
    /// Its share of all clicks, among the others'.
    pub(super) share: u64,
    /// The price of a click, about.
    pub(super) cost_micros: i64,
    /// Android, iPhone, tablet, desktop.
    pub(super) devices: [u64; 4],
    pub(super) landers: &'static [usize],
    /// So many in a thousand press the lander's button.
    pub(super) pressed_mille: u64,
    /// So many in a million convert, of all clicks or of those who pressed the button.
    pub(super) converted_ppm: u64,
    pub(super) offers: &'static [usize],
    /// Zones, sites or widgets that its traffic comes from.
    pub(super) zones: u64,
    /// The page a click comes from, where it comes from one.
    pub(super) referrer: Option<&'static str>,
}

const PHONES: [u64; 4] = [720, 200, 40, 40];
const ANDROIDS: [u64; 4] = [930, 20, 30, 20];
const SCREENS: [u64; 4] = [330, 230, 60, 380];

const BASE: CampaignPlan = CampaignPlan {
    name: "",
    tag: "push",
    source: 0,
    country: "US",
    language: "en",
    hours_ahead: 0,
    weekend_percent: 105,
    trend: Trend::Flat,
    share: 1,
    cost_micros: 0,
    devices: PHONES,
    landers: &[],
    pressed_mille: 0,
    converted_ppm: 0,
    offers: &[],
    zones: 60,
    referrer: None,
};

pub(super) const CAMPAIGNS: &[CampaignPlan] = &[
    CampaignPlan {
        name: "Push DE \u{b7} Dating T1",
        country: "DE",
        language: "de",
        hours_ahead: 1,
        trend: Trend::Growing,
        share: 260,
        cost_micros: 80_000,
        landers: &[0, 1],
        pressed_mille: 310,
        converted_ppm: 58_000,
        offers: &[0, 1],
        zones: 214,
        ..BASE
    },
    CampaignPlan {
        name: "Native FR \u{b7} Nutra",
        tag: "native",
        source: 2,
        country: "FR",
        language: "fr",
        hours_ahead: 1,
        share: 110,
        cost_micros: 120_000,
        devices: SCREENS,
        landers: &[2],
        pressed_mille: 240,
        converted_ppm: 46_000,
        offers: &[2, 3],
        zones: 90,
        referrer: Some("www.journal-du-jour.example"),
        ..BASE
    },
    CampaignPlan {
        name: "Search UK \u{b7} Insurance",
        tag: "search",
        source: 5,
        country: "GB",
        weekend_percent: 60,
        share: 30,
        cost_micros: 700_000,
        devices: SCREENS,
        converted_ppm: 26_000,
        offers: &[4],
        zones: 12,
        referrer: Some("www.search.example"),
        ..BASE
    },
    CampaignPlan {
        name: "Pop US \u{b7} Sweeps",
        tag: "pop",
        source: 1,
        hours_ahead: -6,
        share: 380,
        cost_micros: 40_000,
        converted_ppm: 16_500,
        offers: &[5, 6],
        zones: 320,
        ..BASE
    },
    CampaignPlan {
        name: "Push BR \u{b7} Finance",
        source: 3,
        country: "BR",
        language: "pt",
        hours_ahead: -3,
        share: 160,
        cost_micros: 32_000,
        devices: ANDROIDS,
        converted_ppm: 8_000,
        offers: &[7],
        zones: 120,
        ..BASE
    },
    CampaignPlan {
        name: "Push IN \u{b7} Betting",
        country: "IN",
        language: "hi",
        hours_ahead: 5,
        weekend_percent: 130,
        trend: Trend::Until(21),
        share: 90,
        cost_micros: 8_000,
        devices: ANDROIDS,
        converted_ppm: 60,
        offers: &[8],
        zones: 80,
        ..BASE
    },
    CampaignPlan {
        name: "Pop ID \u{b7} Utilities",
        tag: "pop",
        source: 4,
        country: "ID",
        language: "id",
        hours_ahead: 7,
        trend: Trend::Declining,
        share: 250,
        cost_micros: 10_000,
        devices: ANDROIDS,
        converted_ppm: 5_200,
        offers: &[9],
        zones: 260,
        ..BASE
    },
    CampaignPlan {
        name: "Native IT \u{b7} Beauty",
        tag: "native",
        source: 2,
        country: "IT",
        language: "it",
        hours_ahead: 1,
        weekend_percent: 115,
        share: 90,
        cost_micros: 130_000,
        devices: SCREENS,
        landers: &[3],
        pressed_mille: 280,
        converted_ppm: 31_000,
        offers: &[10],
        zones: 70,
        referrer: Some("www.notizie-oggi.example"),
        ..BASE
    },
    CampaignPlan {
        name: "Pop MX \u{b7} Games",
        tag: "pop",
        source: 1,
        country: "MX",
        language: "es",
        hours_ahead: -6,
        share: 150,
        cost_micros: 6_400,
        devices: ANDROIDS,
        converted_ppm: 10_000,
        offers: &[11],
        zones: 140,
        ..BASE
    },
    CampaignPlan {
        name: "Push JP \u{b7} VPN",
        source: 3,
        country: "JP",
        language: "ja",
        hours_ahead: 9,
        trend: Trend::From(9),
        share: 90,
        cost_micros: 90_000,
        landers: &[4],
        pressed_mille: 220,
        converted_ppm: 24_000,
        offers: &[12],
        zones: 50,
        ..BASE
    },
    CampaignPlan {
        name: "Search US \u{b7} Solar",
        tag: "search",
        source: 5,
        hours_ahead: -6,
        weekend_percent: 70,
        trend: Trend::Declining,
        share: 10,
        cost_micros: 1_600_000,
        devices: SCREENS,
        converted_ppm: 30_000,
        offers: &[13],
        zones: 10,
        referrer: Some("www.search.example"),
        ..BASE
    },
];

/// Traffic by the hour of the day there, among the other hours.
pub(super) const HOURS: [u64; 24] =
    [34, 22, 15, 11, 10, 14, 24, 38, 50, 57, 61, 65, 70, 68, 66, 66, 70, 78, 88, 97, 100, 92, 74, 50];
