//! The made-up business: who sells what, where traffic is bought, and how each campaign goes.

/// An advertiser: name, whether it is a network, its parameter for the click id in an offer's URL, a host for its offers.
pub(super) struct AdvertiserPlan {
    /// Where it stands in the list.
    pub(super) position: usize,
    pub(super) name: &'static str,
    pub(super) is_network: bool,
    pub(super) click_param: &'static str,
    pub(super) host: &'static str,
    /// The words it sends for pending, approved, rejected and reversed.
    pub(super) words: [&'static str; 4],
    /// So many in a thousand are decided at once; the rest waits as pending.
    pub(super) at_once_mille: u64,
    /// Whether it names its transactions.
    pub(super) has_txid: bool,
}

const MAXBOUNTY: AdvertiserPlan = AdvertiserPlan {
    position: 0,
    name: "MaxBounty",
    is_network: true,
    click_param: "s2",
    host: "offers.maxbounty.example",
    words: ["pending", "approved", "rejected", "reversed"],
    at_once_mille: 1_000,
    has_txid: false,
};

const ADCOMBO: AdvertiserPlan = AdvertiserPlan {
    position: 1,
    name: "AdCombo",
    is_network: true,
    click_param: "subacc4",
    host: "go.adcombo.example",
    words: ["hold", "lead", "reject", "chargeback"],
    at_once_mille: 0,
    has_txid: true,
};

const CLICKDEALER: AdvertiserPlan = AdvertiserPlan {
    position: 2,
    name: "ClickDealer",
    is_network: true,
    click_param: "s2",
    host: "trk.clickdealer.example",
    words: ["pending", "approved", "rejected", "reversed"],
    at_once_mille: 850,
    has_txid: true,
};

const ADVIDI: AdvertiserPlan = AdvertiserPlan {
    position: 3,
    name: "Advidi",
    is_network: true,
    click_param: "s2",
    host: "ads.advidi.example",
    words: ["pending", "approved", "rejected", "reversed"],
    at_once_mille: 1_000,
    has_txid: true,
};

const NORTHLIGHT: AdvertiserPlan = AdvertiserPlan {
    position: 4,
    name: "Northlight Solar",
    is_network: false,
    click_param: "ref",
    host: "shop.northlight.example",
    words: ["pending", "confirmed", "declined", "refunded"],
    at_once_mille: 100,
    has_txid: true,
};

pub(super) const ADVERTISERS: [AdvertiserPlan; 5] = [MAXBOUNTY, ADCOMBO, CLICKDEALER, ADVIDI, NORTHLIGHT];

/// An offer. Where `order_micros` is set it pays 35 % of an order of about that much.
pub(super) struct OfferPlan {
    pub(super) name: &'static str,
    pub(super) advertiser: &'static AdvertiserPlan,
    pub(super) revenue_micros: i64,
    pub(super) order_micros: Option<i64>,
    pub(super) event: &'static str,
    /// So many of a thousand decided ones are approved.
    pub(super) approved_mille: u64,
}

/// The share of the order that an offer by the order pays, in millionths.
pub(super) const ORDER_SHARE_MILLIONTHS: i64 = 350_000;

const fn offer(
    name: &'static str,
    advertiser: &'static AdvertiserPlan,
    cents: i64,
    approved_mille: u64,
) -> OfferPlan {
    OfferPlan {
        name,
        advertiser,
        revenue_micros: cents * 10_000,
        order_micros: None,
        event: "sale",
        approved_mille,
    }
}

pub(super) const OFFERS: &[OfferPlan] = &[
    offer("Dating DE SOI", &MAXBOUNTY, 660, 950),
    offer("Dating DE DOI", &MAXBOUNTY, 720, 930),
    offer("Nutra FR #1", &ADCOMBO, 2_600, 620),
    offer("Nutra FR #2", &ADCOMBO, 2_450, 660),
    OfferPlan { event: "lead", ..offer("Car Insurance UK", &CLICKDEALER, 4_000, 900) },
    offer("Sweeps US iPhone CC", &MAXBOUNTY, 310, 940),
    offer("Sweeps US Gift Card", &ADVIDI, 295, 950),
    OfferPlan { event: "lead", ..offer("Personal Loans BR", &CLICKDEALER, 425, 880) },
    OfferPlan { event: "deposit", ..offer("Cricket Betting IN", &ADVIDI, 3_000, 900) },
    OfferPlan { event: "install", ..offer("Cleaner App ID", &ADVIDI, 105, 970) },
    OfferPlan { order_micros: Some(59_000_000), ..offer("Serum IT Shop", &CLICKDEALER, 0, 910) },
    OfferPlan { event: "install", ..offer("Puzzle Game MX", &ADVIDI, 60, 970) },
    offer("VPN JP Yearly", &CLICKDEALER, 2_200, 920),
    OfferPlan { event: "lead", ..offer("Solar Quote US", &NORTHLIGHT, 6_500, 780) },
];

/// Landers: name and slug of the address.
pub(super) const LANDERS: &[(&str, &str)] = &[
    ("Dating quiz DE", "dating-quiz"),
    ("Dating chat DE", "dating-chat"),
    ("Nutra advertorial FR", "nutra-story"),
    ("Serum review IT", "serum-review"),
    ("VPN comparison JP", "vpn-compare"),
];

/// A source with the names its parameters have in our addresses.
pub(super) struct SourcePlan {
    pub(super) name: &'static str,
    pub(super) external_id_param: &'static str,
    pub(super) cost_param: Option<&'static str>,
    pub(super) tokens: [(&'static str, &'static str); 3],
    /// Digits of its click ids.
    pub(super) id_digits: usize,
}

pub(super) const SOURCES: &[SourcePlan] = &[
    SourcePlan {
        name: "Pushground",
        external_id_param: "click_id",
        cost_param: Some("bid"),
        tokens: [("site_id", "Site"), ("creative_id", "Creative"), ("campaign_id", "Campaign")],
        id_digits: 24,
    },
    SourcePlan {
        name: "PropellerAds",
        external_id_param: "subid",
        cost_param: Some("cost"),
        tokens: [("zoneid", "Zone"), ("bannerid", "Banner"), ("campaignid", "Campaign")],
        id_digits: 18,
    },
    SourcePlan {
        name: "MGID",
        external_id_param: "click_id",
        cost_param: Some("click_price"),
        tokens: [("widget_id", "Widget"), ("teaser_id", "Teaser"), ("campaign_id", "Campaign")],
        id_digits: 32,
    },
    SourcePlan {
        name: "RichAds",
        external_id_param: "click_id",
        cost_param: Some("bid_price"),
        tokens: [("publisher_id", "Publisher"), ("creative_id", "Creative"), ("campaign_id", "Campaign")],
        id_digits: 26,
    },
    SourcePlan {
        name: "Adsterra",
        external_id_param: "subid_short",
        cost_param: None,
        tokens: [("placement_id", "Placement"), ("banner_id", "Banner"), ("campaign_id", "Campaign")],
        id_digits: 20,
    },
    SourcePlan {
        name: "Microsoft",
        external_id_param: "msclkid",
        cost_param: None,
        tokens: [("AdGroupId", "Ad group"), ("AdId", "Ad"), ("CampaignId", "Campaign")],
        id_digits: 32,
    },
];

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
        share: 180,
        cost_micros: 50_000,
        landers: &[0, 1],
        pressed_mille: 310,
        converted_ppm: 37_500,
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
        share: 90,
        cost_micros: 75_000,
        devices: SCREENS,
        landers: &[2],
        pressed_mille: 240,
        converted_ppm: 29_000,
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
        share: 14,
        cost_micros: 450_000,
        devices: SCREENS,
        converted_ppm: 16_200,
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
        share: 420,
        cost_micros: 25_000,
        converted_ppm: 10_100,
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
        share: 220,
        cost_micros: 20_000,
        devices: ANDROIDS,
        converted_ppm: 4_700,
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
        share: 150,
        cost_micros: 5_000,
        devices: ANDROIDS,
        converted_ppm: 40,
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
        share: 600,
        cost_micros: 6_000,
        devices: ANDROIDS,
        converted_ppm: 3_500,
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
        share: 70,
        cost_micros: 80_000,
        devices: SCREENS,
        landers: &[3],
        pressed_mille: 280,
        converted_ppm: 20_500,
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
        share: 300,
        cost_micros: 4_000,
        devices: ANDROIDS,
        converted_ppm: 6_200,
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
        share: 80,
        cost_micros: 60_000,
        landers: &[4],
        pressed_mille: 220,
        converted_ppm: 16_400,
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
        share: 12,
        cost_micros: 1_100_000,
        devices: SCREENS,
        converted_ppm: 17_000,
        offers: &[13],
        zones: 10,
        referrer: Some("www.search.example"),
        ..BASE
    },
];

/// Traffic by the hour of the day there, among the other hours.
pub(super) const HOURS: [u64; 24] =
    [34, 22, 15, 11, 10, 14, 24, 38, 50, 57, 61, 65, 70, 68, 66, 66, 70, 78, 88, 97, 100, 92, 74, 50];
