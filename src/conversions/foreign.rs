//! Clicks of the tracker before: imported with their campaign, so that their conversions count, and found by the ids that they
//! had there. Postbacks that came before their click was imported are judged again.

use super::again::Again;
use super::door::Postbacks;
use super::forwarder;
use super::judge::{Judged, Verdict};
use super::record::Group;
use super::writer::{Job, Shared, now_ms};
use crate::db::foreign_clicks::{self, NewForeign};
use crate::db::forwards::{self, NewForward};
use crate::db::{self, AnyConnection, Priority, clicks, partitions, postbacks, rollups};
use crate::domain::click::ClickRecord;
use crate::domain::click_id::ClickId;
use crate::domain::device::Device;
use crate::domain::foreign_click::{FOREIGN_ID_CHARS_MAX, Fault, ForeignLine};
use crate::domain::money::Money;
use crate::domain::rollup::RollupDelta;
use crate::domain::verdict::Code;
use crate::routing::{CampaignRoute, Catalog};
use crate::visitor::agent;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;
use tokio::sync::oneshot;

/// Clicks of one transaction: postbacks wait for no longer than it takes.
const GROUP: usize = 1_000;

/// Parked postbacks that one look takes.
const ROWS_MAX: i64 = 500;

/// What became of a file of foreign clicks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Clicks that are known from now on.
    pub imported: usize,
    /// Those that were known before, or stood in the file twice.
    pub known: usize,
    /// Lines that could not be taken.
    pub faults: Vec<Fault>,
}

impl Postbacks {
    /// Imports clicks of another tracker. Those that are counted are traffic of ours at their time; those that are not
    /// stand in no report, and their conversions do. For a blocking thread.
    ///
    /// # Errors
    /// The database fails; what was imported before stays, and is known when the file comes again.
    pub fn import_clicks(
        &self,
        lines: &[ForeignLine],
        is_counted: bool,
        is_dry_run: bool,
    ) -> db::Result<Imported> {
        let shared = &self.shared;
        let (catalog, now_ms) = (shared.catalog.get(), now_ms());
        let mut outcome = Imported::default();
        let mut seen = HashSet::new();
        for some in lines.chunks(GROUP) {
            let mut records = Vec::with_capacity(some.len());
            for line in some {
                match record(line, &catalog, is_counted, now_ms) {
                    Err(why) => outcome.faults.push((line.line, why)),
                    Ok(_) if !seen.insert(line.foreign_id.as_str()) => outcome.known += 1,
                    Ok(record) => records.push((line.foreign_id.as_str(), record)),
                }
            }
            let new = if is_dry_run {
                let known =
                    shared.db.read(|conn| foreign_clicks::known(conn, records.iter().map(|(id, _)| *id)))?;
                records.len() - known.len()
            } else {
                shared.keep_foreign(&records, is_counted, now_ms)?
            };
            outcome.imported += new;
            outcome.known += records.len() - new;
        }
        if outcome.imported > 0 && !is_dry_run {
            shared.has_parked.store(true, Ordering::Release);
        }
        Ok(outcome)
    }
}

/// The click that stands for a line.
///
/// # Errors
/// One sentence that says what to change.
fn record(
    line: &ForeignLine,
    catalog: &Catalog,
    is_counted: bool,
    now_ms: i64,
) -> Result<ClickRecord, String> {
    let campaign = find_campaign(&line.campaign, catalog).ok_or_else(|| {
        format!("There is no campaign {:?}", line.campaign.chars().take(60).collect::<String>())
    })?;
    let (path_id, offer_id) = destination(line, campaign, catalog, is_counted)?;
    let clicked_at_ms = line.clicked_at_ms.unwrap_or(now_ms);
    // What is no traffic of ours cost us nothing that the tracker before has not counted.
    let cost = line.cost.filter(|_| is_counted);
    Ok(ClickRecord {
        id: ClickId::new(clicked_at_ms, rand::random()),
        clicked_at_ms,
        campaign_id: campaign.id,
        source_id: campaign.source.as_ref().map(|source| source.id),
        path_id,
        offer_id,
        cost_original_micros: cost.map(Money::micros),
        cost_currency: cost.map(|_| catalog.currency),
        cost_micros: cost.map_or(0, Money::micros),
        is_test: campaign.is_test,
        ..unknown(agent::of("").hash)
    })
}

/// A click of which nothing is known.
fn unknown(agent_id: i64) -> ClickRecord {
    ClickRecord {
        id: ClickId::floor(0),
        clicked_at_ms: 0,
        campaign_id: 0,
        source_id: None,
        path_id: None,
        rule_id: None,
        lander_id: None,
        offer_id: None,
        refusal: None,
        external_id: None,
        cost_original_micros: None,
        cost_currency: None,
        cost_micros: 0,
        country: None,
        region: None,
        city: None,
        isp: None,
        asn: None,
        connection: None,
        device: Device::Other,
        brand: None,
        model: None,
        os: None,
        os_version: None,
        browser: None,
        browser_version: None,
        language: None,
        referrer_host: None,
        address: None,
        agent_id,
        agent: Box::default(),
        domain: None,
        is_unique: false,
        bot: None,
        is_test: false,
        is_cut: false,
        params: Vec::new(),
        subs: Vec::new(),
    }
}

/// A campaign by its number, its address's last part, or an old address.
fn find_campaign<'c>(text: &str, catalog: &'c Catalog) -> Option<&'c CampaignRoute> {
    let by_number = text.parse().ok().and_then(|id| catalog.campaign(id));
    let by_alias = || {
        let (path, query) = text.split_once('?').unwrap_or((text, ""));
        catalog.aliases().find(path, query)
    };
    by_number.or_else(|| catalog.by_slug(text)).or_else(by_alias).map(AsRef::as_ref)
}

/// The path and the offer of a click: the offer that the line names, else the only one of its campaign. A click that is not
/// counted may stand on the campaign's only path, where each advertiser's postback finds its own offer.
fn destination(
    line: &ForeignLine,
    campaign: &CampaignRoute,
    catalog: &Catalog,
    is_counted: bool,
) -> Result<(Option<i64>, Option<i64>), String> {
    if let Some(id) = line.offer_id {
        return match catalog.offer(id) {
            Some(_) => Ok((None, Some(id))),
            None => Err(format!("There is no offer {id}")),
        };
    }
    let paths: Vec<_> = campaign.all_paths().collect();
    let offers: HashSet<i64> =
        paths.iter().flat_map(|path| catalog.offers_on(path)).map(|offer| offer.id).collect();
    match (paths.as_slice(), offers.len()) {
        (_, 1) => Ok((None, offers.into_iter().next())),
        ([only], _) if !is_counted => Ok((Some(only.id), None)),
        _ => Err(format!(
            "The campaign {} leads to several offers: name the offer's number in the third column",
            campaign.name
        )),
    }
}

impl Shared {
    /// Keeps a group of foreign clicks in one transaction; says how many were new.
    fn keep_foreign(
        &self,
        records: &[(&str, ClickRecord)],
        is_counted: bool,
        now_ms: i64,
    ) -> db::Result<usize> {
        let times = || records.iter().map(|(_, record)| record.clicked_at_ms);
        let (Some(first_ms), Some(last_ms)) = (times().min(), times().max()) else { return Ok(0) };
        let new: Vec<NewForeign> = records
            .iter()
            .map(|(id, record)| NewForeign { foreign_id: (*id).to_owned(), click_id: record.id, is_counted })
            .collect();
        self.db.write(Priority::Maintenance, |conn| {
            partitions::ensure(conn, first_ms, last_ms)?;
            let inserted = foreign_clicks::insert(conn, &new, now_ms)?;
            let is_new = |id: &str| inserted.contains(id);
            let fresh: Vec<&ClickRecord> =
                records.iter().filter(|(id, _)| is_new(id)).map(|(_, record)| record).collect();
            if let Some(first) = fresh.first() {
                clicks::insert_agents(conn, &[(first.agent_id, &first.agent)])?;
            }
            clicks::insert(conn, &fresh)?;
            if is_counted {
                let mut sums = RollupDelta::new();
                fresh.iter().for_each(|record| sums.add_click(record));
                rollups::apply(conn, &sums, self.writer_id)?;
            }
            Ok(fresh.len())
        })
    }

    /// Judges parked postbacks again whose foreign id has been imported.
    pub(super) fn sweep_foreign(&self, queue: &SyncSender<Job>) -> db::Result<()> {
        let mut settled = Vec::new();
        for id in self.db.read(|conn| foreign_clicks::matched(conn, ROWS_MAX))? {
            let parked = self.db.read(|conn| postbacks::find(conn, id))?;
            let Some(parked) = parked.filter(|parked| parked.value.code == Code::ParkedForeignClick) else {
                settled.push(id);
                continue;
            };
            let judged = self.judge_again(&self.catalog.get(), parked, Again::default())?;
            let (reply, _) = oneshot::channel();
            if queue.send(Job { judged, parked: Some(id), reply }).is_err() {
                return Ok(());
            }
        }
        if settled.is_empty() {
            return Ok(());
        }
        self.db.write(Priority::Maintenance, |conn| foreign_clicks::unpark(conn, &settled))
    }
}

/// The clicks that stand for ids of the tracker before, and all clicks that postbacks name, each once.
pub(super) type Named = (HashMap<String, ClickId>, Vec<ClickId>);

/// What some postbacks name: with one look-up for all, before their clicks are held.
///
/// # Errors
/// The database fails.
pub(super) fn named<'a>(
    conn: &mut AnyConnection,
    postbacks: impl Iterator<Item = &'a Judged> + Clone,
) -> db::Result<Named> {
    let foreign = foreign_clicks::known(conn, postbacks.clone().filter_map(Judged::foreign_id))?;
    let mut ids: Vec<ClickId> = postbacks.filter_map(Judged::click_id).collect();
    ids.extend(foreign.values());
    ids.sort_unstable();
    ids.dedup();
    Ok((foreign, ids))
}

/// What a group of postbacks leaves that name clicks of the tracker before.
#[derive(Default)]
pub(super) struct Foreign {
    /// Those that wait for an import, by the ids that they name.
    parked: Vec<(i64, String)>,
    /// Those that are sent on.
    sent_on: Vec<NewForward>,
}

impl Foreign {
    /// Notes one, where it is such a postback. One that is judged again waits and was sent on already.
    pub(super) fn note(&mut self, catalog: &Catalog, job: &Job, verdict: &Verdict, postback_id: i64) {
        if verdict.code != Code::ParkedForeignClick || job.parked.is_some() {
            return;
        }
        self.note_parked(&job.judged, verdict, postback_id);
        self.sent_on.extend(forwarder::to_send(&job.judged, verdict, catalog, postback_id));
    }

    /// Notes one that only waits: what a person brings is no postback that another tracker should have.
    pub(super) fn note_parked(&mut self, judged: &Judged, verdict: &Verdict, postback_id: i64) {
        if let (Code::ParkedForeignClick, Some(id)) = (verdict.code, judged.foreign_id()) {
            self.parked.push((postback_id, id.to_owned()));
        }
    }

    /// Keeps them with their postbacks.
    ///
    /// # Errors
    /// The database fails.
    pub(super) fn write(&self, conn: &mut AnyConnection, now_ms: i64) -> db::Result<()> {
        foreign_clicks::park(conn, &self.parked, now_ms)?;
        forwards::queue(conn, &self.sent_on)
    }
}

impl Judged {
    /// The id that it names where that is not ours in form, and may be one that was or will be imported.
    pub(super) fn foreign_id(&self) -> Option<&str> {
        let id = match &self.claim {
            Ok(claim) => Some(claim.cid.as_str()).filter(|_| claim.click_id.is_none()),
            Err(refusal) => refusal.foreign_id.as_deref(),
        };
        id.filter(|id| !id.is_empty() && id.chars().count() <= FOREIGN_ID_CHARS_MAX)
    }
}

impl Group<'_> {
    /// The click that a postback names, by its own id or by that of the tracker before.
    pub(super) fn click_of(&self, judged: &Judged) -> Option<ClickId> {
        judged.click_id().or_else(|| self.foreign.get(judged.foreign_id()?).copied())
    }

    /// A postback as if it had named its click by its own id; `None` where it did, or where its id stands for none.
    pub(super) fn named_anew(&self, judged: &Judged) -> Option<Judged> {
        let click_id = *self.foreign.get(judged.foreign_id()?)?;
        let mut judged = judged.clone();
        if let Ok(claim) = &mut judged.claim {
            claim.click_id = Some(click_id);
        }
        Some(judged)
    }
}
