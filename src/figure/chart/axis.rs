//! A scale from values to the unit interval, and where its ticks are.

/// How values are spread over an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spread {
    /// Evenly.
    Linear,
    /// By their logarithm.
    Log,
    /// Evenly; the ticks are whole numbers.
    Whole,
    /// By their square root (values from 0).
    Sqrt,
    /// By their rank among given values: as many of those in each part of the axis as in any other.
    Rank,
}

/// An axis from `low` to `high`.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Spread.
    pub spread: Spread,
    /// Name and units.
    pub label: String,
    /// Values at evenly spaced places of a [`Spread::Rank`] axis.
    pub ranks: Vec<f64>,
    /// Where its ticks are, if they are at values of the data and not at round ones.
    pub marks: Vec<f64>,
}

/// A tick: value, label.
pub type Tick = (f64, String);

impl Axis {
    /// An axis; ends that are equal or not finite are moved so that there is something to draw.
    pub fn new(low: f64, high: f64, spread: Spread, label: &str) -> Self {
        let (mut low, mut high) = if low.is_finite() && high.is_finite() { (low, high) } else { (0.0, 1.0) };
        if spread == Spread::Log && low <= 0.0 {
            low = if high > 0.0 { high * 1e-6 } else { 1e-6 };
        }
        if high <= low {
            let room = if low == 0.0 { 1.0 } else { 0.1 * low.abs() };
            (low, high) = (if spread == Spread::Linear { low - room } else { low }, low + room);
        }
        Self { low, high, spread, label: label.into(), ranks: Vec::new(), marks: Vec::new() }
    }

    /// An axis of ranks among the finite values; even where all are the same.
    pub fn by_rank(values: &[f64], label: &str) -> Self {
        const PARTS: usize = 128;
        let mut sorted: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let ranks = (0..=PARTS).filter_map(|k| sorted.get(k * (sorted.len().max(1) - 1) / PARTS).copied());
        let ranks: Vec<f64> = ranks.collect();
        match (ranks.first(), ranks.last()) {
            (Some(&low), Some(&high)) if low < high => {
                Self { low, high, spread: Spread::Rank, label: label.into(), ranks, marks: Vec::new() }
            }
            (low, _) => {
                let low = low.copied().unwrap_or(0.0);
                Self::new(low, low, Spread::Linear, label)
            }
        }
    }

    /// The same axis with ticks at these values.
    pub fn with_ticks(self, marks: &[f64]) -> Self {
        Self { marks: marks.to_vec(), ..self }
    }

    /// Share of the ranks below a value.
    fn rank(&self, x: f64) -> f64 {
        let (parts, above) = (self.ranks.len() - 1, self.ranks.partition_point(|r| *r <= x));
        match above {
            0 => 0.0,
            k if k > parts => 1.0,
            k => (k as f64 - 1.0 + (x - self.ranks[k - 1]) / (self.ranks[k] - self.ranks[k - 1])) / parts as f64,
        }
    }

    /// The value of a share of the ranks.
    fn of_rank(&self, place: f64) -> f64 {
        let at = place.clamp(0.0, 1.0) * (self.ranks.len() - 1) as f64;
        let k = (at as usize).min(self.ranks.len() - 2);
        self.ranks[k] + (at - k as f64) * (self.ranks[k + 1] - self.ranks[k])
    }

    fn transform(&self, x: f64) -> f64 {
        match self.spread {
            Spread::Linear | Spread::Whole => x,
            Spread::Log => x.max(1e-300).ln(),
            Spread::Sqrt => x.max(0.0).sqrt(),
            Spread::Rank => self.rank(x),
        }
    }
    fn inverse(&self, y: f64) -> f64 {
        match self.spread {
            Spread::Linear | Spread::Whole => y,
            Spread::Log => y.exp(),
            Spread::Sqrt => y.max(0.0).powi(2),
            Spread::Rank => self.of_rank(y),
        }
    }
    /// Place of a value, 0 at the lower end, 1 at the upper.
    pub fn place(&self, x: f64) -> f64 {
        let (a, b) = (self.transform(self.low), self.transform(self.high));
        (self.transform(x) - a) / (b - a)
    }
    /// The value at a place.
    pub fn value(&self, place: f64) -> f64 {
        let (a, b) = (self.transform(self.low), self.transform(self.high));
        self.inverse(a + place * (b - a))
    }
    /// About `target` labelled ticks, and further ticks without labels.
    pub fn ticks(&self, target: usize) -> (Vec<Tick>, Vec<f64>) {
        let target = target.max(2);
        if !self.marks.is_empty() {
            let every = self.marks.len().div_ceil(target + target / 2);
            let labelled = self.marks.iter().step_by(every).map(|&v| (v, number(v))).collect();
            return (labelled, self.marks.clone());
        }
        match self.spread {
            Spread::Linear => (linear_ticks(self.low, self.high, target), Vec::new()),
            Spread::Whole => {
                let ticks =
                    linear_ticks(self.low, self.high, target.min((self.high - self.low).ceil() as usize).max(1));
                (ticks.into_iter().filter(|(v, _)| v.fract() == 0.0).map(|(v, _)| (v, number(v))).collect(), Vec::new())
            }
            Spread::Sqrt => (self.sqrt_ticks(target), Vec::new()),
            Spread::Rank => (self.rank_ticks(target), Vec::new()),
            Spread::Log if (self.high / self.low).log10() < 1.0 => {
                (linear_ticks(self.low, self.high, target), Vec::new())
            }
            Spread::Log => log_ticks(self.low, self.high, target),
        }
    }
    /// Values at even places.
    fn rank_ticks(&self, target: usize) -> Vec<Tick> {
        let target = target.min(8);
        let values = (0..=target).map(|k| self.of_rank(k as f64 / target as f64));
        let mut ticks: Vec<Tick> = values.map(|v| (v, number(v))).collect();
        ticks.dedup_by(|a, b| a.1 == b.1);
        ticks
    }
    /// Round values that lie about evenly on the square-root scale.
    fn sqrt_ticks(&self, target: usize) -> Vec<Tick> {
        let mut ticks: Vec<Tick> = Vec::new();
        for k in 0..target {
            let wanted = self.value((k as f64 + 0.5 * f64::from(u8::from(k > 0))) / target as f64);
            let unit = 10_f64.powf(wanted.max(1e-300).log10().floor());
            let round = if wanted == 0.0 {
                0.0
            } else {
                [1.0, 2.0, 3.0, 5.0, 10.0].map(|m| m * unit).into_iter().rfind(|v| *v <= wanted * 1.2).unwrap_or(unit)
            };
            let apart = ticks.last().is_none_or(|last| self.place(round) - self.place(last.0) > 0.5 / target as f64);
            if apart && round >= self.low && round <= self.high {
                ticks.push((round, number(round)));
            }
        }
        ticks
    }
}

fn linear_ticks(low: f64, high: f64, target: usize) -> Vec<Tick> {
    let raw = (high - low) / target as f64;
    let unit = 10_f64.powf(raw.log10().floor());
    let steps = [0.5, 1.0, 2.0, 2.5, 5.0, 10.0].map(|m| m * unit);
    let fits = |step: f64| ((low / step - 1e-9).ceil() as i64, (high / step + 1e-9).floor() as i64);
    // the smallest step that is wide enough, or the next finer one that has two ticks
    let wide = steps.iter().position(|s| *s >= raw * 0.999).unwrap_or(steps.len() - 1);
    let step = steps[..=wide].iter().rev().copied().find(|&s| fits(s).1 > fits(s).0).unwrap_or(steps[0]);
    let (first, last) = fits(step);
    let values: Vec<f64> = (first..=last).map(|k| k as f64 * step).collect();
    let largest = values.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    // decimals of the step: 0.25 needs two, 0.2 one
    let is_whole = |d: i32| (step * 10_f64.powi(d) - (step * 10_f64.powi(d)).round()).abs() < 1e-6;
    // beside 1 a fine step is plainer in decimals than with an exponent
    let most = if largest >= 0.1 { 8 } else { 4 };
    let decimals = (0..=most).find(|&d| is_whole(d)).unwrap_or(5);
    if largest >= 1e5 || step < 1e-4 && (largest < 0.1 || !is_whole(decimals)) {
        return values
            .into_iter()
            .map(|v| (v, scientific(v, (largest / step).log10().ceil().max(0.0) as usize)))
            .collect();
    }
    values.into_iter().map(|v| (v, minus(format!("{v:.*}", decimals as usize)))).collect()
}

fn log_ticks(low: f64, high: f64, target: usize) -> (Vec<Tick>, Vec<f64>) {
    let (first, last) = ((low.log10() - 1e-9).ceil() as i32, (high.log10() + 1e-9).floor() as i32);
    let decades = (last - first + 1).max(1) as usize;
    let every = decades.div_ceil(target).max(1) as i32;
    let inside = |v: &f64| *v >= low * 0.999_999 && *v <= high * 1.000_001;
    let mut major: Vec<Tick> = (first..=last).filter(|k| k % every == 0).map(|k| (10_f64.powi(k), power(k))).collect();
    let minor: Vec<f64> = if every == 1 {
        let multiples = (first - 1..=last).flat_map(|k| (2..10).map(move |m| f64::from(m) * 10_f64.powi(k)));
        multiples.filter(inside).collect()
    } else {
        (first..=last).filter(|k| k % every != 0).map(|k| 10_f64.powi(k)).collect()
    };
    if major.len() <= 2 {
        let more = (first - 1..=last).flat_map(|k| [2.0, 5.0].map(|m| m * 10_f64.powi(k))).filter(inside);
        major.extend(more.map(|v| (v, number(v))));
        major.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    (major, minor)
}

fn minus(text: String) -> String {
    text.replace('-', "−")
}

fn superscript(k: i32) -> String {
    let signs = |c: char| match c {
        '-' => '⁻',
        digit => ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'][digit.to_digit(10).unwrap_or(0) as usize],
    };
    k.to_string().chars().map(signs).collect()
}

/// A power of ten: plain from 0.01 to 1000, else with an exponent.
fn power(k: i32) -> String {
    match k {
        -2..=3 => number(10_f64.powi(k)),
        _ => format!("10{}", superscript(k)),
    }
}

fn scientific(v: f64, digits: usize) -> String {
    if v == 0.0 {
        return "0".into();
    }
    let text = format!("{v:.digits$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let mantissa = if mantissa.contains('.') { mantissa.trim_end_matches('0').trim_end_matches('.') } else { mantissa };
    let exponent = superscript(exponent.parse().unwrap_or(0));
    minus(if mantissa == "1" { format!("10{exponent}") } else { format!("{mantissa}×10{exponent}") })
}

/// A number in at most three significant digits.
pub fn number(v: f64) -> String {
    if v == 0.0 {
        return "0".into();
    }
    if !v.is_finite() {
        return minus(v.to_string().replace("inf", "∞"));
    }
    let magnitude = v.abs().log10().floor() as i32;
    if !(-3..5).contains(&magnitude) {
        return scientific(v, 2);
    }
    let text = format!("{v:.*}", (2 - magnitude).max(0) as usize);
    minus(if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_string() } else { text })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis, n: usize) -> Vec<String> {
        axis.ticks(n).0.into_iter().map(|t| t.1).collect()
    }

    #[test]
    fn ticks_are_round_and_inside() {
        let linear = |low, high| Axis::new(low, high, Spread::Linear, "");
        assert_eq!(labels(&linear(-1.0, 1.0), 5), ["−1.0", "−0.5", "0.0", "0.5", "1.0"]);
        assert_eq!(labels(&linear(0.0, 1e6), 2), ["0", "5×10⁵", "10⁶"]);
        assert_eq!(labels(&linear(0.15, 7.85), 4), ["2", "4", "6"]);
        assert_eq!(labels(&linear(0.99995, 1.00005), 4), ["0.999950", "0.999975", "1.000000", "1.000025", "1.000050"]);
        let of_data = Axis::new(0.5, 16.0, Spread::Log, "").with_ticks(&[1.0, 2.0, 4.0, 8.0]);
        assert_eq!(labels(&of_data, 4), ["1", "2", "4", "8"]);
        let log = Axis::new(1e-5, 10.0, Spread::Log, "");
        assert_eq!(labels(&log, 7), ["10⁻⁵", "10⁻⁴", "10⁻³", "0.01", "0.1", "1", "10"]);
        assert_eq!(labels(&Axis::new(0.3, 30.0, Spread::Log, ""), 5), ["0.5", "1", "2", "5", "10", "20"]);
        for (low, high, spread) in [(0.0, 3.3, Spread::Sqrt), (1e-9, 7.0, Spread::Log), (-3e-7, 2e-7, Spread::Linear)] {
            let axis = Axis::new(low, high, spread, "");
            let (ticks, minor) = axis.ticks(6);
            assert!((2..=12).contains(&ticks.len()), "{ticks:?}");
            let all = ticks.iter().map(|t| t.0).chain(minor);
            assert!(all.into_iter().all(|v| (-1e-6..=1.0 + 1e-6).contains(&axis.place(v))));
            assert!(ticks.windows(2).all(|w| w[0].0 < w[1].0 && w[0].1 != w[1].1), "{ticks:?}");
        }
    }

    #[test]
    fn ranks_share_an_axis_evenly() {
        let values: Vec<f64> = (0..=1000).map(|k| f64::from(k).powi(3)).chain([f64::NAN]).collect();
        let axis = Axis::by_rank(&values, "");
        assert!((axis.place(500.0_f64.powi(3)) - 0.5).abs() < 2e-3);
        assert_eq!((axis.place(-1.0), axis.place(2e9)), (0.0, 1.0));
        for place in [0.1, 0.333, 0.9] {
            assert!((axis.place(axis.value(place)) - place).abs() < 1e-12);
        }
        assert!((3..=9).contains(&axis.ticks(6).0.len()));
        assert!([Axis::by_rank(&[], ""), Axis::by_rank(&[2.0; 5], "")].iter().all(|axis| axis.place(2.0).is_finite()));
    }

    #[test]
    fn whole_axes_have_whole_ticks() {
        assert_eq!(labels(&Axis::new(0.0, 3.0, Spread::Whole, ""), 6), ["0", "1", "2", "3"]);
        assert_eq!(labels(&Axis::new(0.0, 13.0, Spread::Whole, ""), 6), ["0", "5", "10"]);
    }

    #[test]
    fn places_and_values_are_inverse_and_degenerate_axes_have_width() {
        for spread in [Spread::Linear, Spread::Log, Spread::Sqrt] {
            let axis = Axis::new(0.5, 8.0, spread, "");
            assert!((axis.value(axis.place(2.5)) - 2.5).abs() < 1e-12);
        }
        assert!(Axis::new(1.0, 1.0, Spread::Linear, "").place(1.0).is_finite());
        assert!(Axis::new(0.0, 0.0, Spread::Log, "").place(1.0).is_finite());
        assert!(Axis::new(f64::NAN, f64::INFINITY, Spread::Linear, "").place(0.5).is_finite());
    }
}
