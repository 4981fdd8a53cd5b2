//! What a run is busy with and how long it will go on: a bar on a terminal, a line a minute elsewhere, or lines of JSON for other programs.

use std::io::IsTerminal;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};

use crate::limits::work::{Expected, duration};
use crate::run::Doing;
use crate::text::{harmless, short};

/// How often the bar moves.
const BAR: Duration = Duration::from_millis(100);
/// How often a line is written where there is no terminal.
const LINE: Duration = Duration::from_secs(60);
/// How often a line of JSON is written, besides when the work changes.
const JSON: Duration = Duration::from_secs(1);
/// Share of what it is expected to take that a part is taken to have done before it ends.
const MOST: f64 = 0.95;
/// Share of the run from which on its own pace is believed.
const PACE: f64 = 0.05;

/// `--progress`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    Auto,
    Json,
}

/// How progress is shown.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct Shown {
    /// A bar or a line a minute (auto), or JSON on standard error (json)
    #[arg(long, value_name = "FORM", default_value = "auto", hide_possible_values = true)]
    progress: Form,
    /// Print errors only
    #[arg(short, long)]
    pub(super) quiet: bool,
}

/// Where a run stands.
struct State {
    start: Instant,
    expected: Option<Expected>,
    /// Expected seconds of what is done, of what is being done, and since when.
    done: f64,
    current: f64,
    since: Instant,
    /// Seconds that the parts which are done took for each that was expected.
    pace: f64,
    words: String,
    /// Units of time of the engine in each second.
    rate: Option<f64>,
    /// Of things of one kind, how many are done, where the work is counted and not estimated.
    counted: Option<[usize; 2]>,
    /// When the last of them was done, in seconds from the start.
    counted_at: f64,
}

/// Where a run stands, in numbers.
struct Standing {
    words: String,
    fraction: Option<f64>,
    rate: Option<f64>,
    elapsed: f64,
    left: Option<f64>,
}

impl State {
    fn begin(&mut self, doing: &Doing) {
        self.words = doing.words();
        if let Doing::Detail(_) = doing {
            return;
        }
        let now = Instant::now();
        self.done += self.current;
        let all = self.expected.as_ref().map_or(0.0, Expected::seconds);
        let elapsed = now.duration_since(self.start).as_secs_f64();
        self.pace = if self.done > PACE * all { (elapsed / self.done).clamp(0.2, 5.0) } else { 1.0 };
        self.current = self.expected.as_ref().map_or(0.0, |expected| expected.seconds_of(doing));
        self.since = now;
        self.rate = match doing {
            Doing::Advancing(_, [from, to], _) if self.current > 0.0 => Some((to - from) / self.current),
            _ => None,
        };
    }

    fn standing(&self) -> Standing {
        if let Some([done, all]) = self.counted {
            let (elapsed, fraction) = (self.start.elapsed().as_secs_f64(), done as f64 / all.max(1) as f64);
            // at the pace up to the last that was done; one that takes longer says nothing of the rest
            let left = (done > 0).then(|| self.counted_at / fraction - elapsed).filter(|left| *left >= 0.0);
            return Standing { words: harmless(&self.words), fraction: Some(fraction), rate: None, elapsed, left };
        }
        let (elapsed, here) = (self.start.elapsed().as_secs_f64(), self.since.elapsed().as_secs_f64());
        let all = self.expected.as_ref().map(Expected::seconds).filter(|all| *all > 0.0);
        let reached = self.done + here.min(MOST * self.current);
        let fraction = all.map(|all| (reached / all).min(0.99));
        // of a part that takes longer than expected nobody knows when it ends
        let left = all.filter(|_| here <= self.current).map(|all| (all - reached).max(0.0) * self.pace);
        // the rate that was expected, or that of a part which takes longer
        let rate = self.rate.map(|rate| rate * (self.current / here.max(self.current)));
        Standing { words: harmless(&self.words), fraction, rate, elapsed, left }
    }
}

impl Standing {
    fn message(&self) -> String {
        let rate = self.rate.map_or(String::new(), |rate| format!(", {} t/s", short(rate)));
        let left = self.left.map_or(String::new(), |left| format!(", {} left", duration(left)));
        format!("{}{rate}{left}", self.words)
    }

    fn line(&self) -> String {
        let fraction = self.fraction.map_or(String::new(), |fraction| format!("{:.0} %, ", 100.0 * fraction));
        format!("after {}: {fraction}{}\n", duration(self.elapsed), self.message())
    }

    fn json(&self) -> String {
        let number = |value: Option<f64>| value.map_or("null".into(), |value| format!("{value:.4e}"));
        let doing = serde_json::Value::from(self.words.as_str());
        let (fraction, rate, left) = (number(self.fraction), number(self.rate), number(self.left));
        let elapsed = number(Some(self.elapsed));
        format!("{{\"doing\":{doing},\"fraction\":{fraction},\"rate\":{rate},\"elapsed\":{elapsed},\"left\":{left}}}\n")
    }
}

/// Shows where a run stands until its end.
pub(super) struct Progress {
    state: Arc<Mutex<State>>,
    form: Form,
    quiet: bool,
    ticker: Mutex<Option<(Sender<()>, JoinHandle<()>)>>,
}

impl Progress {
    /// From now on.
    pub(super) fn begin(Shown { progress, quiet }: Shown, words: &str) -> Self {
        let now = Instant::now();
        let state = State {
            start: now,
            expected: None,
            done: 0.0,
            current: 0.0,
            since: now,
            pace: 1.0,
            words: words.into(),
            rate: None,
            counted: None,
            counted_at: 0.0,
        };
        let state = Arc::new(Mutex::new(state));
        let ticker = (!quiet).then(|| {
            let (stop, stopped) = channel();
            let state = Arc::clone(&state);
            let terminal = std::io::stderr().is_terminal();
            let show = move || {
                let mut shown = display(progress, terminal);
                let every = match (progress, terminal) {
                    (Form::Json, _) => JSON,
                    (Form::Auto, true) => BAR,
                    (Form::Auto, false) => LINE,
                };
                while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(every) {
                    shown(&lock(&state).standing());
                }
            };
            (stop, std::thread::spawn(show))
        });
        Self { state, form: progress, quiet, ticker: Mutex::new(ticker) }
    }

    /// What the run will take.
    pub(super) fn expect(&self, expected: Expected) {
        let mut state = lock(&self.state);
        (state.expected, state.done, state.current) = (Some(expected), 0.0, 0.0);
        state.start = Instant::now();
    }

    /// So many things of one kind are done; the clock starts with the first call.
    pub(super) fn count(&self, words: &str, done: usize, all: usize) {
        let mut state = lock(&self.state);
        if state.counted.is_none() {
            state.start = Instant::now();
        }
        (state.words, state.counted) = (words.to_string(), Some([done, all]));
        state.counted_at = state.start.elapsed().as_secs_f64();
        if self.form == Form::Json && !self.quiet {
            super::tell(&state.standing().json());
        }
    }

    /// The bar goes, so that what is printed next begins on a line of its own.
    pub(super) fn end(&self) {
        if let Some((stop, ticker)) = self.ticker.lock().unwrap_or_else(PoisonError::into_inner).take() {
            drop(stop);
            let _ = ticker.join();
        }
    }

    /// What the run is busy with now.
    pub(super) fn say(&self, doing: &Doing) {
        let mut state = lock(&self.state);
        state.begin(doing);
        if self.form == Form::Json && !self.quiet {
            super::tell(&state.standing().json());
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What shows a standing. The bar clears itself where it is dropped.
fn display(form: Form, terminal: bool) -> Box<dyn FnMut(&Standing)> {
    match (form, terminal) {
        (Form::Json, _) => Box::new(|standing| super::tell(&standing.json())),
        (Form::Auto, false) => Box::new(|standing| super::tell(&standing.line())),
        (Form::Auto, true) => {
            let bar = Cleared(ProgressBar::new(1000));
            let style = |template: &str| ProgressStyle::with_template(template).ok();
            let (known, unknown) = (style("[{bar:20}] {percent:>3} % {wide_msg}"), style("{spinner} {wide_msg}"));
            Box::new(move |standing| {
                let style = if standing.fraction.is_some() { &known } else { &unknown };
                style.iter().for_each(|style| bar.0.set_style(style.clone()));
                bar.0.set_message(standing.message());
                bar.0.set_position(standing.fraction.map_or(0, |fraction| (1000.0 * fraction) as u64));
                bar.0.tick();
            })
        }
    }
}

struct Cleared(ProgressBar);

impl Drop for Cleared {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A state that began so many seconds ago.
    fn begun(seconds: f64) -> State {
        let start = Instant::now().checked_sub(Duration::from_secs_f64(seconds)).unwrap_or_else(Instant::now);
        let (words, expected, counted) = (String::new(), None, None);
        let (done, current, pace, rate, counted_at) = (0.0, 0.0, 1.0, None, 0.0);
        State { start, expected, done, current, since: start, pace, words, rate, counted, counted_at }
    }

    #[test]
    fn the_time_left_does_not_grow_while_nothing_new_is_known() {
        // two of ten cases were done in 20 seconds; then one takes long
        let left = |now: f64| State { counted: Some([2, 10]), counted_at: 20.0, ..begun(now) }.standing().left;
        assert!(left(20.0).is_some_and(|left| (left - 80.0).abs() < 0.1));
        assert!(left(60.0).is_some_and(|left| (left - 40.0).abs() < 0.1));
        assert_eq!(left(101.0), None);
    }

    #[test]
    fn lines_tell_where_a_run_stands() {
        let (fraction, rate, left) = (Some(0.25), Some(0.5), Some(90.0));
        let words = "langevin to t = \"3\"".into();
        let standing = Standing { words, fraction, rate, elapsed: 30.0, left };
        assert_eq!(standing.line(), "after 30 seconds: 25 %, langevin to t = \"3\", 0.5 t/s, 2 minutes left\n");
        let json: serde_json::Value = serde_json::from_str(&standing.json()).unwrap_or_default();
        assert_eq!((json["left"].as_f64(), json["fraction"].as_f64()), (Some(90.0), Some(0.25)));
        assert_eq!(json["doing"], "langevin to t = \"3\"");
        let unknown = Standing { fraction: None, rate: None, left: None, ..standing };
        assert!(unknown.json().contains("\"left\":null"));
    }
}
