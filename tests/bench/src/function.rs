//! One life of a function: a process, fed by a stand-in for Lambda's runtime API.

use std::{
    error::Error,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, Sender, channel},
    thread::sleep,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use crate::{
    http::{self, Answer, Request},
    subject::Subject,
};

/// A function that asks for nothing for so long is stuck. Generous: valgrind slows a start fiftyfold.
const PATIENCE: Duration = Duration::from_secs(20);

/// After asking for an event a function has a few instructions to go before it waits.
const COMES_TO_REST: Duration = Duration::from_millis(3);

/// What Lambda sets.
const LAMBDA: [(&str, &str); 12] = [
    ("AWS_LAMBDA_FUNCTION_NAME", "function"),
    ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
    ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
    ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
    ("AWS_LAMBDA_LOG_FORMAT", "JSON"),
    ("AWS_LAMBDA_LOG_LEVEL", "INFO"),
    ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/function"),
    ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/11/08/[$LATEST]0"),
    ("AWS_REGION", "ap-southeast-2"),
    ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
    ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
    ("AWS_SESSION_TOKEN", "token"),
];

/// A running function.
pub(crate) struct Function<'a> {
    subject: &'a Subject,
    process: Child,
    asks: Receiver<Ask>,
    started: Instant,
    log: &'a Path,
}

/// What the function asks of Lambda, and when. It waits until it is answered.
pub(crate) struct Ask {
    request: Request,
    at: Instant,
    reply: Sender<Answer>,
}

impl<'a> Function<'a> {
    /// Starts it, under `wrapper` if that is not empty. What it prints goes to `log`.
    pub(crate) fn start(
        subject: &'a Subject,
        wrapper: &[&str],
        environment: &[(&'static str, String)],
        log: &'a Path,
    ) -> Result<Self, Box<dyn Error>> {
        let (asking, asks) = channel();
        let port = http::serve(None, move |request| {
            let (reply, replied) = channel();
            asking.send(Ask { request, at: Instant::now(), reply }).ok()?;
            replied.recv().ok()
        })?;
        let printed = File::create(log)?;
        let mut words = wrapper.iter().map(Path::new).chain([subject.binary.as_path()]);
        let mut command = Command::new(words.next().ok_or("nothing to start")?);
        command.args(words).env_clear().envs(LAMBDA).envs(environment.iter().cloned());
        command.env("AWS_LAMBDA_RUNTIME_API", format!("127.0.0.1:{port}"));
        command.stdin(Stdio::null()).stdout(printed.try_clone()?).stderr(printed);
        let started = Instant::now();
        let process = command.spawn().map_err(|e| format!("{}: {e}", subject.binary.display()))?;
        Ok(Self { subject, process, asks, started, log })
    }

    /// Waits until it asks for an event.
    pub(crate) fn ready(&self) -> Result<Ask, Box<dyn Error>> {
        let ask = self.ask()?;
        if ask.request.path.ends_with("/invocation/next") { Ok(ask) } else { Err(self.unexpected(&ask)) }
    }

    /// Hands it the event, waits for the right answer, and says how long after the start that came.
    pub(crate) fn handle(&self, ready: &Ask) -> Result<Duration, Box<dyn Error>> {
        let deadline = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis() + 30_000;
        let headers = vec![
            ("content-type", "application/json".to_owned()),
            ("lambda-runtime-aws-request-id", "00000000-0000-4000-8000-000000000000".to_owned()),
            ("lambda-runtime-deadline-ms", deadline.to_string()),
            ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:ap-southeast-2:0:function:function".to_owned()),
            ("lambda-runtime-trace-id", "Root=1-0-0;Parent=0;Sampled=0".to_owned()),
        ];
        ready.reply.send(Answer { status: 200, headers, body: self.subject.event.clone() })?;
        let answer = self.ask()?;
        let said = String::from_utf8_lossy(&answer.request.body);
        if !answer.request.path.ends_with("/response") || !said.contains(self.subject.answer) {
            return Err(self.unexpected(&answer));
        }
        answer.reply.send(Answer { status: 202, ..Answer::json(r#"{"status":"OK"}"#) })?;
        Ok(answer.at.duration_since(self.started))
    }

    /// Ends it so that what it runs under has time to report, and returns what was printed.
    pub(crate) fn end(mut self) -> Result<String, Box<dyn Error>> {
        Command::new("sh").arg("-c").arg(format!("kill {}", self.process.id())).status()?;
        self.process.wait()?;
        Ok(fs::read_to_string(self.log)?)
    }

    /// The processor time that it has used, user and system, once it rests.
    pub(crate) fn cpu_at_rest(&self) -> Result<Duration, Box<dyn Error>> {
        sleep(COMES_TO_REST);
        let threads = fs::read_dir(format!("/proc/{}/task", self.process.id()))?;
        threads.map(|thread| Ok(on_and_off(&thread?.path())?.0)).sum()
    }

    /// How long its main thread was ready to run while others had the processors.
    pub(crate) fn kept_waiting(&self) -> Result<Duration, Box<dyn Error>> {
        Ok(on_and_off(&PathBuf::from(format!("/proc/{}", self.process.id())))?.1)
    }

    /// The most memory that it ever held, in bytes.
    pub(crate) fn peak_memory(&self) -> Result<u64, Box<dyn Error>> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.strip_suffix(" kB"));
        Ok(peak.ok_or("no VmHWM in /proc")?.trim().parse::<u64>()? * 1024)
    }

    fn ask(&self) -> Result<Ask, Box<dyn Error>> {
        self.asks.recv_timeout(PATIENCE).map_err(|_| self.failure("asks for nothing"))
    }

    fn unexpected(&self, ask: &Ask) -> Box<dyn Error> {
        let (path, said) = (&ask.request.path, String::from_utf8_lossy(&ask.request.body));
        self.failure(&format!("should answer {:?}, and said to {path}: {said}", self.subject.answer))
    }

    fn failure(&self, what: &str) -> Box<dyn Error> {
        let printed = fs::read_to_string(self.log).unwrap_or_default();
        format!("{} {what}. It printed:\n{printed}", self.subject.name).into()
    }
}

/// How long a thread was on a processor, and how long it waited for one. `stat` counts in hundredths of a second only.
fn on_and_off(thread: &Path) -> Result<(Duration, Duration), Box<dyn Error>> {
    let nanoseconds = fs::read_to_string(thread.join("schedstat"))?;
    let mut words = nanoseconds.split_whitespace().map(|word| word.parse().map(Duration::from_nanos));
    Ok((words.next().ok_or("an empty schedstat")??, words.next().ok_or("half a schedstat")??))
}

impl Drop for Function<'_> {
    fn drop(&mut self) {
        // Both fail only when it is gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
