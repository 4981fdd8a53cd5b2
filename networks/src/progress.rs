//! What a session says while it works.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use fpsolve::limits::work::duration;
use fpsolve::text::{grouped, short};

use crate::train::{Curve, RunState};

/// How often a line is renewed on a terminal, and written elsewhere.
const TERMINAL: Duration = Duration::from_millis(500);
const ELSEWHERE: Duration = Duration::from_secs(30);
/// Seconds from which on a session is said to be long.
const LONG: f64 = 600.0;

/// What a session will take.
pub struct Estimate {
    /// The network.
    pub title: String,
    /// Its parameters.
    pub parameters: usize,
    /// Runs.
    pub runs: usize,
    /// Image visits of all runs.
    pub visits: usize,
    /// Image visits of the published recipe.
    pub published: Option<u64>,
    /// Of training, from the measured steps.
    pub images_per_second: f64,
    /// Expected.
    pub seconds: f64,
}

impl Estimate {
    /// One line, and another where it takes long.
    pub fn to_text(&self) -> String {
        let visits = self.visits / self.runs.max(1);
        let share = self.published.map_or(String::new(), |all| {
            let percent = short(100.0 * visits as f64 / all as f64);
            format!(", {percent} % of the {} of the published recipe", grouped(all))
        });
        let mut text = format!(
            "{}: {} parameters, {} × {} image visits{share}\nabout {} (three measured steps: {} images/s)\n",
            self.title,
            grouped(self.parameters as u64),
            self.runs,
            grouped(visits as u64),
            duration(self.seconds),
            grouped(self.images_per_second as u64)
        );
        if self.seconds > LONG {
            text += "this is longer than 10 minutes: Ctrl-C ends it with a valid record, --resume goes on\n";
        }
        text
    }
}

/// Lines on standard error.
pub struct Progress {
    quiet: bool,
    terminal: bool,
    shown: Instant,
    open: bool,
    /// Images that training has seen.
    pub images: usize,
    last: String,
    /// Title of the run that advances, when it began here, at which epoch, after how many images.
    run_begun: (String, Instant, usize, usize),
}

impl Progress {
    /// From now on.
    pub fn new(quiet: bool) -> Self {
        let (now, terminal) = (Instant::now(), std::io::stderr().is_terminal());
        Self {
            quiet,
            terminal,
            shown: now,
            open: false,
            images: 0,
            last: String::new(),
            run_begun: (String::new(), now, 0, 0),
        }
    }

    /// Says something.
    pub fn tell(&mut self, text: &str) {
        self.close();
        if !self.quiet {
            let _ = std::io::stderr().write_all(fpsolve::text::harmless(text).as_bytes());
        }
    }

    /// A step was taken.
    pub fn step(&mut self, title: &str, state: &RunState, batch: usize) {
        self.images += batch;
        // the first step's time is not known
        self.enter(title, state);
        if self.shown.elapsed() > if self.terminal { TERMINAL } else { ELSEWHERE } {
            let line = format!("{title}: step {}{}{}", state.step, self.rate(), self.last);
            self.line(&line);
        }
    }

    /// An epoch was evaluated.
    pub fn epoch(&mut self, title: &str, state: &RunState, epochs: usize) {
        self.enter(title, state);
        let last = |curve| state.curve(curve).last().copied().unwrap_or(f64::NAN);
        let done = state.epoch() - self.run_begun.2;
        let each = self.run_begun.1.elapsed().as_secs_f64() / done.max(1) as f64;
        let left = each * (epochs - state.epoch()) as f64;
        self.last = format!(
            ", epoch {} of {epochs}, loss {}, test accuracy {}, ESS {}, {} left",
            state.epoch(),
            short(last(Curve::TrainLoss)),
            short(last(Curve::TestAccuracy)),
            short(last(Curve::EffectiveShare)),
            duration(left)
        );
        if state.epoch() == epochs || self.shown.elapsed() > if self.terminal { TERMINAL } else { ELSEWHERE } {
            let line = format!("{title}{}{}", self.rate(), self.last);
            self.line(&line);
            if state.epoch() == epochs {
                self.close();
            }
        }
    }

    /// Part of a longer work is done.
    pub fn part(&mut self, title: &str, done: usize, all: usize) {
        if done == all || self.shown.elapsed() > if self.terminal { TERMINAL } else { ELSEWHERE } {
            self.line(&format!("{title}: {done} of {all}"));
            if done == all {
                self.close();
            }
        }
    }

    fn enter(&mut self, title: &str, state: &RunState) {
        if self.run_begun.0 != title {
            self.run_begun = (title.to_string(), Instant::now(), state.epoch(), self.images);
            self.last.clear();
        }
    }

    fn rate(&self) -> String {
        let (_, begun, _, before) = &self.run_begun;
        match self.images - before {
            0 => String::new(),
            images => format!(", {} images/s", grouped((images as f64 / begun.elapsed().as_secs_f64()) as u64)),
        }
    }

    fn line(&mut self, line: &str) {
        self.shown = Instant::now();
        if self.quiet {
            return;
        }
        let text = if self.terminal { format!("\r\x1b[K{line}") } else { format!("{line}\n") };
        let _ = std::io::stderr().write_all(text.as_bytes());
        self.open = self.terminal;
    }

    /// What is printed next begins on a line of its own.
    pub fn close(&mut self) {
        if std::mem::take(&mut self.open) {
            let _ = std::io::stderr().write_all(b"\n");
        }
    }
}
