//! What the engine refuses, as an error of the API (docs/api.md, Operating tasks).

use crate::engine::Refusal;
use crate::inbox::Unanswered;
use crate::web::http::Problem;

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Problem {
        let status = match refusal {
            Refusal::UnknownJob(_) | Refusal::UnknownRun => 404,
            Refusal::ShuttingDown => 503,
            Refusal::NotTriggerable => 403,
            Refusal::NoFreeSlot | Refusal::NoParameters | Refusal::NeedsValue(_) => 409,
            Refusal::NotScheduled(_) => 400,
        };
        Problem::new(status, refusal.to_string())
    }
}

impl From<Unanswered> for Problem {
    fn from(unanswered: Unanswered) -> Problem {
        match unanswered {
            Unanswered::Stopped => Refusal::ShuttingDown.into(),
            Unanswered::Late => {
                Problem::new(503, "the disk takes too long; what was asked may still be done")
            }
        }
    }
}
