//! Stationary vectors of generators whose rates, combined, leave the range of floating-point numbers: low temperatures.
//!
//! The subtraction-free elimination of [`crate::fokker_planck::linear`] again, on numbers m·2ᵉ with their own exponent: only sums, products and
//! quotients of non-negative numbers, so every entry is right to about N·10⁻¹⁶ relative, whatever its size.

use crate::fokker_planck::generator::Generator;
use crate::fokker_planck::linear::dissection::Dissection;

/// A number m·2ᵉ ≥ 0 with 1 ≤ m < 2, or 0.
#[derive(Debug, Clone, Copy, PartialEq)]
struct ScaledFloat {
    m: f64,
    e: i64,
}

const ZERO: ScaledFloat = ScaledFloat { m: 0.0, e: 0 };
const ONE: ScaledFloat = ScaledFloat { m: 1.0, e: 0 };
const MANTISSA: u64 = (1 << 52) - 1;

impl ScaledFloat {
    fn new(value: f64) -> Self {
        if value == 0.0 {
            return ZERO;
        }
        // subnormal numbers are lifted into the normal range first
        let (value, shift) = if value < f64::MIN_POSITIVE { (value * 2f64.powi(64), 64) } else { (value, 0) };
        let bits = value.to_bits();
        Self { m: f64::from_bits(bits & MANTISSA | 1023 << 52), e: (bits >> 52) as i64 - 1023 - shift }
    }

    fn times(self, other: Self) -> Self {
        let (m, e) = (self.m * other.m, self.e + other.e);
        if m >= 2.0 { Self { m: 0.5 * m, e: e + 1 } } else { Self { m, e } }
    }

    fn over(self, other: Self) -> Self {
        let (m, e) = (self.m / other.m, self.e - other.e);
        if m < 1.0 && m > 0.0 { Self { m: 2.0 * m, e: e - 1 } } else { Self { m, e } }
    }

    fn plus(self, other: Self) -> Self {
        if other.m == 0.0 {
            return self;
        }
        if self.m == 0.0 {
            return other;
        }
        let (big, small) = if self.e >= other.e { (self, other) } else { (other, self) };
        let gap = (big.e - small.e) as u64;
        if gap > 60 {
            return big;
        }
        let m = big.m + small.m * f64::from_bits((1023 - gap) << 52);
        if m >= 2.0 { Self { m: 0.5 * m, e: big.e + 1 } } else { Self { m, e: big.e } }
    }

    fn ln(self) -> f64 {
        if self.m == 0.0 { f64::NEG_INFINITY } else { self.m.ln() + self.e as f64 * std::f64::consts::LN_2 }
    }
}

/// A front that is left over its border, or what is kept of one: columns are the cells that are left, rows those entered.
struct Front {
    columns: usize,
    value: Vec<ScaledFloat>,
}

impl Front {
    fn at(&mut self, row: usize, column: usize) -> &mut ScaledFloat {
        &mut self.value[column * self.columns + row]
    }

    fn add(&mut self, row: usize, column: usize, rate: ScaledFloat) {
        let place = self.at(row, column);
        *place = place.plus(rate);
    }

    /// Eliminates column k: what enters it is passed on to where it leads. Returns the total rate at which it is left.
    fn eliminate(&mut self, k: usize) -> ScaledFloat {
        let n = self.columns;
        let (head, tail) = self.value.split_at_mut((k + 1) * n);
        let leaving = &mut head[k * n + k + 1..];
        let pivot = leaving.iter().fold(ZERO, |sum, rate| sum.plus(*rate));
        if pivot.m > 0.0 {
            leaving.iter_mut().for_each(|rate| *rate = rate.over(pivot));
            for column in tail.chunks_exact_mut(n) {
                let entering = column[k];
                if entering.m > 0.0 {
                    for (place, share) in column[k + 1..].iter_mut().zip(&*leaving) {
                        if share.m > 0.0 {
                            *place = place.plus(entering.times(*share));
                        }
                    }
                }
            }
        }
        pivot
    }
}

/// ln π, shifted to maximum 0, of a generator without exits and with one closed class; −∞ on cells that are left for ever.
pub(crate) fn log_null_vector(generator: &Generator, tree: &Dissection) -> Vec<f64> {
    let mut left: Vec<Option<Front>> = tree.nodes.iter().map(|_| None).collect();
    let mut kept: Vec<(Front, Vec<ScaledFloat>)> = Vec::with_capacity(tree.nodes.len());
    for at in 0..tree.nodes.len() {
        let node = &tree.nodes[at];
        let columns = node.pivots + node.border.len();
        let mut front = Front { columns, value: vec![ZERO; columns * columns] };
        assemble(generator, tree, at, &mut front);
        for &child in &node.children {
            if let Some(rest) = left[child].take() {
                extend(tree, at, child, &rest, &mut front);
            }
        }
        let pivots: Vec<ScaledFloat> = (0..node.pivots).map(|k| front.eliminate(k)).collect();
        let size = node.border.len();
        let mut rest = Front { columns: size, value: Vec::with_capacity(size * size) };
        for column in front.value.chunks_exact(columns.max(1)).skip(node.pivots) {
            rest.value.extend_from_slice(&column[node.pivots..]);
        }
        left[at] = Some(rest);
        kept.push((front, pivots));
    }
    let mut pi = vec![ZERO; tree.order.len()];
    for (node, (front, pivots)) in tree.nodes.iter().zip(&mut kept).rev() {
        for k in (0..node.pivots).rev() {
            let mut sum = ZERO;
            for column in k + 1..front.columns {
                let later = match column.checked_sub(node.pivots) {
                    None => node.first + column,
                    Some(outer) => node.border[outer] as usize,
                };
                sum = sum.plus(pi[later].times(*front.at(k, column)));
            }
            // the last cell of the closed class is left by nothing that remains
            pi[node.first + k] = if pivots[k].m > 0.0 { sum.over(pivots[k]) } else { ONE };
        }
    }
    let log: Vec<f64> = pi.iter().map(|p| p.ln()).collect();
    let top = log.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    tree.position.iter().map(|&at| log[at as usize] - top).collect()
}

/// Place of a position of the elimination order in a front.
fn local(tree: &Dissection, at: usize, position: usize) -> Option<usize> {
    let node = &tree.nodes[at];
    if position < node.first {
        return None;
    }
    if position < node.first + node.pivots {
        return Some(position - node.first);
    }
    node.border.binary_search(&(position as u32)).ok().map(|place| node.pivots + place)
}

fn assemble(generator: &Generator, tree: &Dissection, at: usize, front: &mut Front) {
    let node = &tree.nodes[at];
    for k in 0..node.pivots {
        let cell = tree.order[node.first + k] as usize;
        let (targets, rates) = generator.outgoing(cell);
        for (&target, &rate) in targets.iter().zip(rates) {
            if let Some(row) = local(tree, at, tree.position[target as usize] as usize) {
                front.add(row, k, ScaledFloat::new(rate));
            }
        }
        let (sources, rates) = generator.incoming(cell);
        for (&source, &rate) in sources.iter().zip(rates) {
            let column = local(tree, at, tree.position[source as usize] as usize);
            if let Some(column) = column.filter(|&column| column >= node.pivots) {
                front.add(k, column, ScaledFloat::new(rate));
            }
        }
    }
}

fn extend(tree: &Dissection, at: usize, child: usize, rest: &Front, front: &mut Front) {
    let border = &tree.nodes[child].border;
    let place: Vec<Option<usize>> = border.iter().map(|&position| local(tree, at, position as usize)).collect();
    for (&column, source) in place.iter().zip(rest.value.chunks_exact(rest.columns.max(1))) {
        for (&row, &rate) in place.iter().zip(source) {
            if let (Some(row), Some(column)) = (row, column) {
                front.add(row, column, rate);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::fokker_planck::generator::communicating_classes::reversible_log_density;
    use crate::fokker_planck::stationary::solve::stationary_law;
    use crate::fokker_planck::testing::fixtures::plane;

    #[test]
    fn arithmetic_is_that_of_floating_point_numbers() {
        for (a, b) in [(3.7, 0.11), (1e-310, 5e300), (1.0, 1.0), (8.0, 0.125), (1e-5, 0.0)] {
            let (x, y) = (ScaledFloat::new(a), ScaledFloat::new(b));
            let near = |w: ScaledFloat, value: f64| (w.ln().exp() - value).abs() <= 1e-12 * value;
            assert!(near(x, a) && near(x.times(y), a * b) && near(x.plus(y), a + b) && near(y.plus(x), a + b));
            assert!(b == 0.0 || near(x.over(y), a / b), "{a} {b}");
        }
        let tiny = ScaledFloat::new(1e-300).times(ScaledFloat::new(1e-300));
        assert!((tiny.ln() + 600.0 * std::f64::consts::LN_10).abs() < 1e-9);
    }

    #[test]
    fn low_temperatures_keep_relative_accuracy_where_floating_point_numbers_end() {
        // a reversible plane whose density spans e^−3000, solved as if it were not: the answer is known from detailed balance
        let generator = plane(40, 36, 0.002, 0.0);
        let exact = reversible_log_density(&generator).unwrap();
        let lowest = exact.iter().copied().fold(0.0, f64::min);
        assert!(lowest < -750.0, "{lowest}");
        let log = log_null_vector(&generator, &Dissection::new(&generator, &[40, 36]));
        let worst = log.iter().zip(&exact).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(worst < 1e-9, "{worst:e}");
    }

    #[test]
    fn a_current_agrees_with_the_elimination_in_floating_point_numbers() {
        let generator = plane(17, 14, 0.2, 0.7);
        let law = stationary_law(&generator, &[17, 14]).unwrap();
        let log = log_null_vector(&generator, &Dissection::new(&generator, &[17, 14]));
        let shift = law.log_probability.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        for (a, b) in log.iter().zip(&law.log_probability) {
            assert!((a - b + shift).abs() < 1e-11, "{a} {b}");
        }
    }
}
