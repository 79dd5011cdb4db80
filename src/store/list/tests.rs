//! Pages of real databases, beside the same pages made the slow way in memory.

use jiff::SignedDuration;

use super::*;
use crate::model::change::{Change, Tidy};
use crate::model::run::{EndReason, Phase, Trigger};
use crate::store::query::{Attempts, Fates, State};
use crate::store::scratch::{Scratch, at, ended, pending, plan};

const FIELDS: [Field; 6] = [
    Field::CreatedAt,
    Field::StartAt,
    Field::TaskName,
    Field::Status,
    Field::ExitCode,
    Field::Duration,
];
const DIRECTIONS: [Direction; 2] = [Direction::Ascending, Direction::Descending];

fn orders() -> impl Iterator<Item = Order> {
    FIELDS.into_iter().flat_map(|field| DIRECTIONS.map(move |direction| Order { field, direction }))
}

fn filter(job: Option<&str>, state: &str) -> Filter {
    let states = State::parse(state).map(|state| vec![state]);
    Filter { job: job.map(JobName::new), states, ..Filter::default() }
}

#[test]
fn lists_are_filtered_limited_and_newest_first() {
    let scratch = Scratch::new();
    let mut store = scratch.store();
    let runs = [
        ended("a", 10, EndReason::Success),
        ended("b", 20, EndReason::Failed),
        ended("a", 40, EndReason::Failed),
        ended("a", 30, EndReason::Success),
        pending("a", 50),
        Run { phase: Phase::Running { since: at(60) }, ..pending("b", 60) },
    ];
    // Stored out of order: a missed tick is created later than it is dated.
    store.write(&runs.iter().rev().cloned().map(Change::Insert).collect::<Vec<_>>()).unwrap();
    let reader = Reader::open(&scratch.db()).unwrap();
    let table: [(Option<&str>, &str, u32, &[usize]); 11] = [
        (None, "", 100, &[5, 4, 2, 3, 1, 0]),
        (None, "", 2, &[5, 4]),
        (None, "", 0, &[]),
        (Some("a"), "", 100, &[4, 2, 3, 0]),
        (Some("a"), "", 3, &[4, 2, 3]),
        (Some("%"), "", 100, &[]),
        (None, "failed", 100, &[2, 1]),
        (Some("a"), "failed", 100, &[2]),
        (Some("a"), "success", 1, &[3]),
        (None, "pending", 100, &[4]),
        (None, "running", 100, &[5]),
    ];
    for (job, state, limit, expected) in table {
        let found = reader.recent(&filter(job, state), limit).unwrap();
        let expected: Vec<_> = expected.iter().map(|&index| runs[index].clone()).collect();
        assert_eq!(found, expected, "{job:?} {state}");
    }
    assert_eq!(reader.latest(&JobName::new("a")).unwrap(), Some(runs[4].clone()));
    assert_eq!(reader.latest(&JobName::new("c")).unwrap(), None);
    assert_eq!(reader.run(pending("a", 0).id).unwrap(), None);
    assert!(reader.has_runs(&JobName::new("a")).unwrap());
    assert!(!reader.has_runs(&JobName::new("c")).unwrap());
}

/// SplitMix64, as in `base::ulid`.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ z >> 31) % bound
    }

    fn one_in(&mut self, bound: u64) -> bool {
        self.below(bound) == 0
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as u64) as usize]
    }

    /// Few distinct values, so that many are equal.
    fn instant(&mut self) -> Timestamp {
        at(self.below(40) as i64) + SignedDuration::from_millis(self.below(3) as i64 * 499)
    }

    fn run(&mut self) -> Run {
        let job = self.of(&["backup", "Backup-2", "x.y", "é:ü", "a_b"]);
        let created_at = self.instant();
        let start = created_at + SignedDuration::from_secs(self.below(4) as i64);
        let phase = match self.below(10) {
            0 => Phase::Pending,
            1 => Phase::Running { since: start },
            _ => {
                let Phase::Ended { mut end, .. } = ended(job, 0, self.of(&EndReason::ALL)).phase
                else {
                    unreachable!()
                };
                end.exit_code = self.of(&[0, 0, 0, 1, 2, 143, -1, -2]);
                let since = (!self.one_in(4)).then_some(start);
                Phase::Ended {
                    since,
                    at: start + SignedDuration::from_secs(self.below(5) as i64),
                    end,
                }
            }
        };
        let retry_attempt = if self.one_in(4) { 1 } else { 0 };
        let trigger = self.of(&Trigger::ALL);
        Run { created_at, phase, retry_attempt, trigger, ..pending(job, self.below(40) as i64) }
    }

    fn states(&mut self) -> Vec<State> {
        let mut all: Vec<State> = State::ended().collect();
        all.extend([State::Pending, State::Running]);
        (0..self.below(4)).map(|_| self.of(&all)).collect()
    }

    fn filter(&mut self, runs: &[Run]) -> Filter {
        let mut filter = Filter::default();
        if self.one_in(4) {
            filter.job = Some(JobName::new(self.of(&["backup", "é:ü", "none"])));
        }
        if self.one_in(3) {
            filter.states = Some(self.states());
        }
        if self.one_in(4) {
            let id = runs[self.below(runs.len() as u64) as usize].id.to_string();
            let known =
                ["BACK", "é", "É:", "_", "zzz", "%", "0", &id[20..], &id.to_lowercase(), "01j"];
            filter.search = Some(self.of(&known).to_owned());
        }
        if self.one_in(5) {
            filter.trigger = Some(self.of(&Trigger::ALL));
        }
        let odd = SignedDuration::from_micros(self.below(2) as i64);
        if self.one_in(5) {
            filter.created_after = Some(self.instant() + odd);
        }
        if self.one_in(5) {
            filter.created_before = Some(self.instant() + odd);
        }
        if self.one_in(6) {
            filter.exit_code_min = Some(self.of(&[-5, -1, 0, 1, 200]));
        }
        if self.one_in(6) {
            filter.exit_code_max = Some(self.of(&[-1, 0, 1, i64::MAX]));
        }
        if self.one_in(6) {
            filter.attempts = Attempts::RetriesOnly;
        }
        if self.one_in(6) {
            filter.fates = Fates::FailuresOnly;
        }
        filter
    }
}

fn exit_code(run: &Run) -> Option<i64> {
    match &run.phase {
        Phase::Ended { end, .. } => Some(end.exit_code.into()),
        Phase::Pending | Phase::Running { .. } => None,
    }
}

fn is_failure(run: &Run) -> bool {
    matches!(&run.phase, Phase::Ended { end, .. } if end.is_failure)
}

fn meets(run: &Run, filter: &Filter) -> bool {
    let state = match &run.phase {
        Phase::Pending => State::Pending,
        Phase::Running { .. } => State::Running,
        Phase::Ended { end, .. } => State::Ended(end.reason),
    };
    let holds = |text: &str, part: &str| text.to_lowercase().contains(&part.to_lowercase());
    filter.job.as_ref().is_none_or(|job| *job == run.job)
        && filter.states.as_ref().is_none_or(|states| states.contains(&state))
        && filter
            .search
            .as_ref()
            .is_none_or(|part| holds(run.job.as_str(), part) || holds(&run.id.to_string(), part))
        && filter.trigger.is_none_or(|trigger| trigger == run.trigger)
        && filter.created_after.is_none_or(|after| run.created_at >= after)
        && filter.created_before.is_none_or(|before| run.created_at <= before)
        && filter.exit_code_min.is_none_or(|least| exit_code(run).is_some_and(|code| code >= least))
        && filter.exit_code_max.is_none_or(|most| exit_code(run).is_some_and(|code| code <= most))
        && (filter.attempts == Attempts::All || run.retry_attempt > 0)
        && (filter.fates == Fates::All || is_failure(run))
}

/// The page as the manual describes it.
fn slowly(runs: &[Run], query: &Query) -> Page {
    let mut found: Vec<&Run> = runs.iter().filter(|run| meets(run, &query.filter)).collect();
    let times = |run: &Run| match &run.phase {
        Phase::Pending => (None, query.now),
        Phase::Running { since } => (Some(*since), query.now),
        Phase::Ended { since, at, .. } => (*since, *at),
    };
    let key = |run: &Run| -> (bool, i64, String) {
        let number = |number: Option<i64>| (number.is_none(), number.unwrap_or(0), String::new());
        match query.order.field {
            Field::CreatedAt => number(Some(run.created_at.as_millisecond())),
            Field::StartAt => number(times(run).0.map(Timestamp::as_millisecond)),
            Field::TaskName => (false, 0, run.job.to_string()),
            Field::Status => (false, 0, run.phase.as_str().to_owned()),
            Field::ExitCode => number(Some(exit_code(run).unwrap_or(0))),
            Field::Duration => {
                let (start, end) = times(run);
                number(start.map(|start| end.duration_since(start).as_millis() as i64))
            }
        }
    };
    found.sort_by(|one, other| {
        let ((no_one, one_key, one_name), (no_other, other_key, other_name)) =
            (key(one), key(other));
        let rest = (one_key, one_name, one.id).cmp(&(other_key, other_name, other.id));
        let rest =
            if query.order.direction == Direction::Descending { rest.reverse() } else { rest };
        no_one.cmp(&no_other).then(rest)
    });
    let total = found.len() as u64;
    let page = found.into_iter().skip(query.offset as usize).take(query.limit as usize);
    Page { runs: page.cloned().collect(), total }
}

#[test]
fn every_page_of_every_order_is_the_one_that_the_manual_describes() {
    for seed in 0..12 {
        let mut dice = Dice(seed);
        let scratch = Scratch::new();
        let mut store = scratch.store();
        let mut runs: Vec<Run> = (0..dice.below(150) + 1).map(|_| dice.run()).collect();
        store.write(&runs.iter().cloned().map(Change::Insert).collect::<Vec<_>>()).unwrap();
        // The counters follow what is deleted and restored.
        let gone: Vec<RunId> = runs
            .iter()
            .filter(|run| matches!(run.phase, Phase::Ended { .. }) && dice.one_in(5))
            .map(|run| run.id)
            .collect();
        let back = gone.iter().copied().filter(|_| dice.one_in(2)).collect::<Vec<_>>();
        store.write(&[Tidy::Trash { runs: gone.clone(), at: at(0) }.into()]).unwrap();
        store.write(&[Tidy::Restore { runs: back.clone(), since: at(0) }.into()]).unwrap();
        runs.retain(|run| back.contains(&run.id) || !gone.contains(&run.id));
        let reader = Reader::open(&scratch.db()).unwrap();
        for round in 0..300 {
            let query = Query {
                filter: if runs.is_empty() { Filter::default() } else { dice.filter(&runs) },
                order: Order { field: dice.of(&FIELDS), direction: dice.of(&DIRECTIONS) },
                limit: dice.of(&[1, 3, 10, 50, 1000]),
                offset: dice.of(&[0, 0, 1, 5, 20, 60, 200]),
                now: at(100),
            };
            let found = reader.page(&query).unwrap();
            assert_eq!(found, slowly(&runs, &query), "seed {seed}, round {round}: {query:?}");
            let filter = &query.filter;
            let mut picked = Vec::new();
            while let Some(last) = reader.last_id(Table::Runs).unwrap() {
                let after = picked.last().map(|picked: &Picked| picked.id);
                let more = reader.pick(Table::Runs, filter, after, last, 7).unwrap();
                if more.is_empty() {
                    break;
                }
                picked.extend(more);
            }
            let mut expected: Vec<RunId> =
                runs.iter().filter(|run| meets(run, filter)).map(|run| run.id).collect();
            expected.sort_unstable();
            assert_eq!(picked.iter().map(|run| run.id).collect::<Vec<_>>(), expected, "{filter:?}");
        }
    }
}

#[test]
fn early_pages_of_plain_lists_read_no_more_than_they_show() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let first = |filter: &Filter, order| {
        let filter = Where::new(filter, None);
        let part = filter.parts(order).swap_remove(0);
        (plan(&store.connection, &part.ids), filter)
    };
    for order in orders() {
        let (plan, _) = first(&Filter::default(), order);
        // Only runs that started in the same millisecond, and those that run now.
        let is_small = match order.field {
            Field::StartAt => !plan.contains("TEMP B-TREE FOR ORDER BY"),
            Field::Duration | Field::Status => plan.contains("runs_unfinished"),
            Field::CreatedAt | Field::TaskName | Field::ExitCode => false,
        };
        assert!(is_small || !plan.contains("TEMP B-TREE"), "{order:?}: {plan}");
    }
    let mut sets: Vec<Option<Vec<State>>> = State::ended().map(|state| Some(vec![state])).collect();
    sets.extend([Some(State::ended().collect()), None]);
    for (job, fates, states) in [None, Some(JobName::new("a"))].into_iter().flat_map(|job| {
        let each = |fates| sets.iter().map(move |states| (fates, states.clone()));
        let every = each(Fates::All).chain(each(Fates::FailuresOnly));
        every.map(move |(fates, states)| (job.clone(), fates, states)).collect::<Vec<_>>()
    }) {
        let filter = Filter { job, states, fates, ..Filter::default() };
        if Where::new(&filter, None).count_sql().ends_with("outcome IN ()") {
            // A success is never a failure.
            continue;
        }
        let (plan, resolved) = first(&filter, NEWEST);
        assert!(plan.contains("runs_by_") && !plan.contains("TEMP B-TREE"), "{filter:?}: {plan}");
        assert!(resolved.is_counted);
        let plan = crate::store::scratch::plan(&store.connection, &resolved.count_sql());
        assert!(plan.contains("run_counts"), "{filter:?}: {plan}");
    }
}

#[test]
fn what_is_open_is_found_without_a_look_at_the_rest() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let states = Some(vec![State::Pending, State::Running]);
    let filter = Where::new(&Filter { states, ..Filter::default() }, None);
    let part = filter.parts(NEWEST).swap_remove(0);
    let plan = plan(&store.connection, &part.ids);
    assert_eq!(plan.matches("USING INDEX runs_unfinished").count(), 2, "{plan}");
    assert!(!plan.contains("SCAN runs") && filter.is_counted, "{plan}");
}

#[test]
fn a_search_by_what_no_index_has_goes_by_time() {
    let scratch = Scratch::new();
    let store = scratch.store();
    for filter in [
        Filter { trigger: Some(Trigger::Api), ..Filter::default() },
        Filter { exit_code_max: Some(9), ..Filter::default() },
        Filter { attempts: Attempts::RetriesOnly, ..Filter::default() },
    ] {
        let search = Search::new("a", [JobName::new("a")].into_iter());
        let part = Where::new(&filter, Some(search)).parts(NEWEST).swap_remove(0);
        let plan = plan(&store.connection, &part.ids);
        assert!(plan.contains("runs_by_time") && !plan.contains("TEMP"), "{filter:?}: {plan}");
    }
}

#[test]
fn actions_find_runs_by_their_ids() {
    let scratch = Scratch::new();
    let mut store = scratch.store();
    let (over, open) = (ended("a", 0, EndReason::Success), pending("b", 1));
    store.write(&[Change::Insert(over.clone()), Change::Insert(open.clone())]).unwrap();
    let reader = Reader::open(&scratch.db()).unwrap();
    let ids = [open.id, pending("c", 2).id, over.id];
    let pick = |run: &Run, is_ended| Picked { id: run.id, job: run.job.clone(), is_ended };
    let expected = [pick(&open, false), pick(&over, true)];
    assert_eq!(reader.pick_each(Table::Runs, &ids).unwrap(), expected);
    assert_eq!(reader.pick_each(Table::Trash, &ids).unwrap(), []);
    store.write(&[Tidy::Trash { runs: vec![over.id], at: at(0) }.into()]).unwrap();
    assert_eq!(reader.pick_each(Table::Trash, &ids).unwrap(), expected[1..]);
    assert_eq!(reader.last_id(Table::Trash).unwrap(), Some(over.id));
}

#[test]
fn states_are_the_words_of_the_history() {
    assert_eq!(State::parse("running"), Some(State::Running));
    assert_eq!(State::parse("log_overflow"), Some(State::Ended(EndReason::LogOverflow)));
    for other in ["", "ended", "Success", "success "] {
        assert_eq!(State::parse(other), None, "{other:?}");
    }
}
