//! How the tables spell what became of a run: the end reason alone, or with a mark where the job
//! judged it otherwise than the reason does. So every index and every counter that knows reasons
//! knows what counts as a failure, and ordinary rows are as they always were.

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ValueRef};

use crate::model::run::{EndReason, Fate};

impl Fate {
    /// The text of `runs.end_reason`.
    pub(super) fn word(self) -> &'static str {
        if self.is_as_usual() {
            return self.reason.as_str();
        }
        match self.reason {
            EndReason::Failed => "failed:ok",
            EndReason::Timeout => "timeout:ok",
            EndReason::LogOverflow => "log_overflow:ok",
            EndReason::Crashed => "crashed:ok",
            EndReason::Missed => "missed:ok",
            EndReason::StartFailed => "start_failed:ok",
            EndReason::Unhealthy => "unhealthy:ok",
            EndReason::Stopped => "stopped:failure",
            EndReason::Skipped => "skipped:failure",
            EndReason::QueueFull => "queue_full:failure",
            EndReason::DstSkipped => "dst_skipped:failure",
            EndReason::Success => "success",
        }
    }

    pub(super) fn of_word(word: &str) -> Option<Fate> {
        // Nearly all of them; a timeline reads a million.
        match EndReason::ALL.into_iter().find(|known| known.as_str() == word) {
            Some(reason) => Some(Fate::from(reason)),
            None => Fate::all().find(|fate| fate.word() == word),
        }
    }
}

impl FromSql for Fate {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Fate> {
        let word = value.as_str()?;
        let unknown = || FromSqlError::Other(format!("{word:?} is not an end of a run").into());
        Fate::of_word(word).ok_or_else(unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fate_has_a_word_of_its_own() {
        let words: std::collections::BTreeSet<_> = Fate::all().map(Fate::word).collect();
        assert_eq!(words.len(), Fate::all().count());
        for fate in Fate::all() {
            assert_eq!(Fate::of_word(fate.word()), Some(fate));
        }
        for wrong in ["", "failed:", "failed:failure", "stopped:ok", "success:failure", "ok"] {
            assert_eq!(Fate::of_word(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn the_schema_knows_every_word() {
        let schema =
            [include_str!("migrations/0004_ends.sql"), include_str!("migrations/0007_operate.sql")]
                .concat();
        for word in Fate::all().map(Fate::word).filter(|word| word.contains(':')) {
            assert!(schema.contains(&format!("'{word}'")), "{word}");
        }
    }
}
