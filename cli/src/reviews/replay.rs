//! `frontdesk reviews replay`: a stored event of a review, through the same endpoint code and the same decisions as a webhook.
//!
//! An event counts as dealt with when its review is on record and, for a bad one, when a channel said that it took the notice.
//! What was claimed and not told is told again, however often it takes.

use std::io::Read as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use frontdesk_aws::secrets::{SecretVault, WebhookSecrets};
use frontdesk_aws::sqs::{SqsEvents, SqsNotices};
use frontdesk_core::{
    config::{self, Function, PodiumEndpointConfig},
    flow::{
        ingest::{Answer, Endpoint as _, Intake, PodiumEndpoint, Request, SecretSource as _},
        operate::escalate::Escalate,
        podium_worker::PodiumWorker,
    },
    inbox::{InboxKey, Source},
    notice::Notice,
    podium::{self, ReviewEvent, What},
    rating::{RatingClaim, RatingClass},
    record::{Records as _, Shelf},
    review_code::ReviewCode,
    signature::{
        LiveSecrets, PODIUM_SIGNATURE, PODIUM_TIMESTAMP, PODIUM_X_SIGNATURE, ReplayWindow, Secret, StalePolicy,
    },
    time::UnixMillis,
};
use frontdesk_wiring::Wiring;
use serde_json::{Value, json};

use super::escalation;
use crate::failure::{Failure, complain};
use crate::installation::{self, Installation, unusable};
use crate::people::unanswered;
use crate::reach::Reach;
use crate::setting;
use crate::show::{self, Paint};

pub(super) const EXAMPLES: &str = r#"Examples:
  frontdesk reviews replay --event-file events/podium/brief.review.received.1star.json --dry-run
  frontdesk reviews replay --event-file review.json
  frontdesk reviews replay --event-file review.json --signature "$SIG" --timestamp "$TS" --verify
  frontdesk events show podium#evt_1 --output json | jq .body | frontdesk reviews replay --event-file -

The event is stored under its own id like a webhook, so one that is here already is a duplicate and changes nothing.
A bad review (1 or 2 stars) counts as escalated when a channel took its notice; that is waited for. A duplicate of
which nobody was told yet is told of again. --dry-run says what is decided, and writes nothing.

With --signature (or --verify, which demands one) the event must be signed by the secret that signs Podium's webhooks,
or by --secret-env. Its age is not looked at: it was stored.

status: ok, duplicate (dealt with before), escalation_failed.

Exit codes: 0 done, 1 the signature does not match, 2 malformed, usage, configuration, or no answer, 3 the escalation
failed: the same command again tries again (as the brief's script has them)."#;

#[derive(clap::Args)]
pub(crate) struct Replay {
    /// The event's body as Podium sent it; - is standard input
    #[arg(long, value_name = "FILE")]
    event_file: PathBuf,
    /// Say what is decided, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Refuse an event without a signature
    #[arg(long, requires = "signature")]
    verify: bool,
    /// The signature that came with it (podium-signature or x-podium-signature)
    #[arg(long, value_name = "TEXT")]
    signature: Option<String>,
    /// The timestamp that came with it (podium-timestamp)
    #[arg(long, value_name = "TEXT", requires = "signature")]
    timestamp: Option<String>,
    /// The variable that holds the signing secret [default: the installation's secret]
    #[arg(long, value_name = "NAME", requires = "signature")]
    secret_env: Option<String>,
    /// How long a bad review's notice is waited for, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(0..=600))]
    wait: u64,
}

/// No event of a review is larger.
const BODY_BYTES_MAX: u64 = 6_000_000;
/// How often it is looked whether people were told.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A review's event, as read.
struct Event<'b> {
    body: &'b [u8],
    key: InboxKey,
    review: ReviewEvent,
    class: Option<RatingClass>,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Ok,
    Duplicate,
    EscalationFailed,
}

impl Status {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Duplicate => "duplicate",
            Self::EscalationFailed => "escalation_failed",
        }
    }
}

pub(super) fn run(reach: &Reach, args: &Replay) -> Result<ExitCode, Failure> {
    let body = read(args)?;
    let event = parse(&body)?;
    installation::run(reach, async |shop| {
        let config = shop.settings(Function::PodiumReviews, config::podium_endpoint)?;
        if let Some(signature) = &args.signature
            && let Err(why) = verify(&shop, args, &config, signature, &body).await?
        {
            complain(&format!(
                "{}: the signature does not hold: {why}; nothing was done",
                ReviewCode::SignatureMismatch.as_str()
            ));
            return Ok(ExitCode::FAILURE);
        }
        let outcome = if args.dry_run {
            let known = shop.store.record(Shelf::Inbox, &event.key.to_key()).await.map_err(unanswered)?;
            (if known.is_some() { Status::Duplicate } else { Status::Ok }, None)
        } else {
            carry_out(&shop, config, &event, Duration::from_secs(args.wait)).await?
        };
        let (status, escalated) = outcome;
        let document = event.document(shop.now(), status, escalated, args.dry_run);
        reach.show(&document, |paint| event.text(status, escalated, args.dry_run, *paint))?;
        if status == Status::EscalationFailed {
            let code = ReviewCode::EscalationFailed.as_str();
            let left = "it stays open and is tried on; the same command again looks again";
            return Err(Failure::Partly(format!(
                "{code}: nobody was told of this review within {} s: {left}",
                args.wait
            )));
        }
        Ok(ExitCode::SUCCESS)
    })
}

fn read(args: &Replay) -> Result<Vec<u8>, Failure> {
    let name = args.event_file.display();
    let mut body = Vec::new();
    let took = if args.event_file.as_os_str() == "-" {
        std::io::stdin().lock().take(BODY_BYTES_MAX + 1).read_to_end(&mut body)
    } else {
        std::fs::File::open(&args.event_file).and_then(|file| file.take(BODY_BYTES_MAX + 1).read_to_end(&mut body))
    };
    took.map_err(|error| Failure::Config(format!("cannot read {name}: {error}")))?;
    if u64::try_from(body.len()).unwrap_or(u64::MAX) > BODY_BYTES_MAX {
        return Err(Failure::Config(format!("{name} holds more than {BODY_BYTES_MAX} bytes")));
    }
    Ok(body)
}

fn parse(body: &[u8]) -> Result<Event<'_>, Failure> {
    let malformed = |what: String| Failure::Config(format!("malformed: {what}"));
    let mut items = podium::items(body);
    let (Some(item), 0) = (items.pop(), items.len()) else {
        return Err(malformed("it holds several events; replay takes one".to_owned()));
    };
    let event =
        item.event.map_err(|reason| malformed(format!("it is no event of Podium's ({})", reason.describe())))?;
    let What::Review(review) = event.what else {
        return Err(malformed("it is an event of Podium's, and none of a review".to_owned()));
    };
    let class = match review.rating {
        RatingClaim::Rated(rating) => Some(rating.class()),
        RatingClaim::Unrated => None,
        RatingClaim::Unusable => return Err(malformed("its rating is no number of stars".to_owned())),
    };
    Ok(Event { body: item.body, key: InboxKey { source: Source::Podium, event: event.id }, review: *review, class })
}

/// Whether it is signed; the age of what was stored says nothing.
async fn verify(
    shop: &Installation,
    args: &Replay,
    config: &PodiumEndpointConfig,
    signature: &str,
    body: &[u8],
) -> Result<Result<(), String>, Failure> {
    let secrets = match &args.secret_env {
        Some(name) => {
            let value = setting(name).ok_or_else(|| Failure::Config(format!("{name} is not set")))?;
            LiveSecrets::rotating(Secret::new("--secret-env", value).map_err(unusable)?, None)
        }
        None => {
            let vault =
                SecretVault::new(shop.aws.secrets(), "PODIUM_WEBHOOK_SECRET_ARN", config.webhook_secret.clone());
            let (clock, notes) = (shop.process.clock, shop.process.telemetry.clone());
            let unread = |error| Failure::Unreachable(vec![format!("the signing secret was not read: {error}")]);
            WebhookSecrets::open(vault, config.secret_ttl, clock, notes).await.map_err(unread)?.live().await
        }
    };
    let window = ReplayWindow { stale: StalePolicy::Accept, ..config.endpoint.window };
    let endpoint = PodiumEndpoint { window, ..config.endpoint.clone() };
    let mut headers = vec![(PODIUM_SIGNATURE, signature.as_bytes()), (PODIUM_X_SIGNATURE, signature.as_bytes())];
    headers.extend(args.timestamp.iter().map(|timestamp| (PODIUM_TIMESTAMP, timestamp.as_bytes())));
    let verified = endpoint.verify(&Request { headers: &headers, body }, &secrets, shop.now());
    Ok(verified.map(|_| ()).map_err(|error| error.to_string()))
}

/// Stores it, works on it as its worker would, and sees to it that people are told.
async fn carry_out(
    shop: &Installation,
    config: PodiumEndpointConfig,
    event: &Event<'_>,
    wait: Duration,
) -> Result<(Status, Option<bool>), Failure> {
    let Installation { aws, process, store, .. } = shop;
    let worker = shop.settings(Function::PodiumWorker, config::podium_worker)?;
    let queue = SqsEvents::in_lines(aws.sqs(), shop.config.queues.podium.clone(), process.ids.clone());
    let notices = SqsNotices::new(aws.sqs(), shop.config.queues.notices.clone());
    let wiring = Wiring::new(&worker.http, aws, store, process).map_err(unusable)?;
    let podium = wiring.podium_beside_other_work(&worker.podium).await.map_err(unusable)?;
    let (clock, ids, telemetry) = (&process.clock, &process.ids, &process.telemetry);
    let PodiumEndpointConfig { endpoint, rules, .. } = config;
    let intake = Intake { endpoint: &endpoint, store, queue: &queue, ids, telemetry, rules };
    let came_before = match intake.take_in(&Request { headers: &[], body: event.body }, shop.now()).await {
        Answer::Accepted => false,
        Answer::Duplicate => true,
        Answer::Mismatch => {
            return Err(Failure::Config("malformed: its id is on record with another body".to_owned()));
        }
        Answer::NotStored => return Err(Failure::Unreachable(vec!["the event was not stored".to_owned()])),
        answer @ (Answer::Rejected | Answer::Ignored(_) | Answer::BadSignature(_) | Answer::TooLarge) => {
            return Err(Failure::Config(format!("malformed: {}", answer.text())));
        }
    };
    let escalate =
        Escalate { store, messages: &podium, notices: &notices, clock, ids, telemetry, rules: &worker.reviews };
    let bad = event.class == Some(RatingClass::Escalate);
    let told_before = bad && came_before && {
        let notice = escalate.notice(&event.key, &event.review, shop.now()).await.map_err(unanswered)?;
        is_told(shop, notice.as_ref()).await?
    };
    // Whoever else holds it, or has finished it, is left alone.
    let podium_worker = PodiumWorker {
        store,
        podium: &podium,
        notices: &notices,
        clock,
        ids,
        telemetry,
        chat: &worker.chat,
        reviews: &worker.reviews,
        rules: worker.rules,
    };
    if let Err(error) = podium_worker.handle(&event.key).await {
        let sentence = format!("the event is stored and was not worked on: {error}");
        return Err(if bad { Failure::Partly(sentence) } else { Failure::Unreachable(vec![sentence]) });
    }
    if !bad {
        return Ok((if came_before { Status::Duplicate } else { Status::Ok }, None));
    }
    if told_before {
        return Ok((Status::Duplicate, Some(true)));
    }
    let until = shop.now().plus(wait);
    let mut woken = false;
    loop {
        let notice = escalate.notice(&event.key, &event.review, shop.now()).await.map_err(unanswered)?;
        // Without one the event is still in somebody else's hands.
        if let Some(notice) = notice {
            match escalation(shop, notice.key.clone()).await.map_err(unanswered)?.state.as_str() {
                "told" => return Ok((Status::Ok, Some(true))),
                "open" if woken => {}
                "open" => escalate.wake(&notice.key).await,
                // Given up, or forgotten.
                _ => escalate.tell(&notice).await.map_err(unanswered)?,
            }
            woken = true;
        }
        if shop.now() >= until {
            return Ok((Status::EscalationFailed, Some(false)));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn is_told(shop: &Installation, notice: Option<&Notice>) -> Result<bool, Failure> {
    let Some(notice) = notice else { return Ok(false) };
    Ok(escalation(shop, notice.key.clone()).await.map_err(unanswered)?.is_told())
}

impl Event<'_> {
    fn decision(&self) -> &'static str {
        self.class.unwrap_or(RatingClass::Log).as_str()
    }

    fn uid(&self) -> String {
        self.review.name(&self.key.event).as_str().to_owned()
    }

    fn stars(&self) -> Option<u8> {
        match self.review.rating {
            RatingClaim::Rated(rating) => Some(rating.stars()),
            RatingClaim::Unrated | RatingClaim::Unusable => None,
        }
    }

    fn document(&self, now: UnixMillis, status: Status, escalated: Option<bool>, dry_run: bool) -> Value {
        let mut document = json!({
            "event_id": self.key.event.as_str(),
            "review_uid": self.uid(),
            "rating": self.stars(),
            "platform": self.review.platform,
            "decision": self.decision(),
            "processed_at": show::iso(now),
            "status": status.as_str(),
        });
        if let Some(fields) = document.as_object_mut() {
            fields.extend(escalated.map(|escalated| ("escalated".to_owned(), json!(escalated))));
            if dry_run {
                fields.insert("dry_run".to_owned(), json!(true));
            }
        }
        document
    }

    fn text(&self, status: Status, escalated: Option<bool>, dry_run: bool, paint: Paint) -> String {
        let shown = match status {
            Status::Ok => paint.good(status.as_str()),
            Status::Duplicate => paint.dim(status.as_str()),
            Status::EscalationFailed => paint.bad(status.as_str()),
        };
        let stars = self.stars().map_or_else(|| "no stars".to_owned(), |stars| format!("{stars} of 5"));
        let told = escalated.map(|told| if told { "\npeople    were told" } else { "\npeople    were NOT told" });
        let dry = if dry_run { "\nnothing was written" } else { "" };
        format!(
            "event     {}\nreview    {}\nrating    {stars}\ndecision  {}\nstatus    {shown}{}{dry}\n",
            self.key.event.as_str(),
            self.uid(),
            self.decision(),
            told.unwrap_or_default(),
        )
    }
}
