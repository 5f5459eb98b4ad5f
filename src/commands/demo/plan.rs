//! The made-up business: who sells what, and where traffic is bought.

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
