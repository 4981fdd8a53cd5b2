//! Node probabilities against cell probabilities.
//!
//! μ_j ≈ h·ρ(x_j) is a sample of the density; the probability of a cell is (μ_{j−1} + 22 μ_j + μ_{j+1})/24 up to O(h⁴). Compared
//! without that, an O(h²) difference between two kinds of numbers looks like one between two laws.

use super::assignment::solve;

/// Cell probabilities of a law on nodes of a grid of the given shape (row-major). Mass and positivity are kept.
pub fn to_cells(nodes: &[f64], shape: &[usize]) -> Vec<f64> {
    let mut cells = nodes.to_vec();
    along_axes(&mut cells, shape, |line| {
        let n = line.len();
        let before = line.to_vec();
        for j in 0..n {
            let e = before[j] / 24.0;
            for (inside, k) in [(j > 0, j.wrapping_sub(1)), (j + 1 < n, j + 1)] {
                if inside {
                    line[j] -= e;
                    line[k] += e;
                }
            }
        }
    });
    cells
}

/// Node probabilities of cell probabilities: takes 1/12 cell² of variance out along each axis by moves that keep mass, mean and
/// positivity.
pub fn to_nodes(cells: &[f64], shape: &[usize]) -> Vec<f64> {
    let mut nodes = cells.to_vec();
    along_axes(&mut nodes, shape, |line| {
        let n = line.len();
        let mass: f64 = line.iter().sum();
        if n < 3 || mass <= 0.0 {
            return;
        }
        let before = line.to_vec();
        let mut caps = vec![0.0; n];
        (1..n - 1).for_each(|j| caps[j] = 0.5 * before[j - 1].min(before[j + 1]));
        let need = mass / 12.0;
        let all: f64 = 2.0 * caps.iter().sum::<f64>();
        let s = if all <= need { f64::INFINITY } else { solve(&before, &caps, |_| 2.0, need) };
        for j in 1..n - 1 {
            let e = if caps[j] > 0.0 && before[j] > 0.0 { (s * before[j]).min(caps[j]) } else { 0.0 };
            line[j] += 2.0 * e;
            line[j - 1] -= e;
            line[j + 1] -= e;
        }
        line.iter_mut().for_each(|v| *v = v.max(0.0));
    });
    nodes
}

fn along_axes(values: &mut [f64], shape: &[usize], work: impl Fn(&mut [f64])) {
    let mut line = Vec::new();
    for (axis, &n) in shape.iter().enumerate() {
        let stride: usize = shape[axis + 1..].iter().product();
        for outer in 0..values.len() / (n * stride) {
            for inner in 0..stride {
                let place = |j: usize| (outer * n + j) * stride + inner;
                line.clear();
                line.extend((0..n).map(|j| values[place(j)]));
                work(&mut line);
                (0..n).for_each(|j| values[place(j)] = line[j]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_of_a_gaussian_come_from_its_samples_and_back() {
        let (n, h) = (81, 0.1);
        let x = |j: usize| (j as f64 - 40.0) * h;
        let nodes: Vec<f64> =
            (0..n).map(|j| h * (-0.5 * x(j) * x(j)).exp() / (2.0 * std::f64::consts::PI).sqrt()).collect();
        let half = |y: f64| 0.5 * libm::erfc(-y / std::f64::consts::SQRT_2);
        let exact: Vec<f64> = (0..n).map(|j| half(x(j) + h / 2.0) - half(x(j) - h / 2.0)).collect();
        let distance = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum::<f64>();
        assert!(distance(&nodes, &exact) > 2e-4);
        let averaged = distance(&to_cells(&nodes, &[n]), &exact);
        assert!(averaged < 2e-6, "{averaged}");
        let back = to_nodes(&exact, &[n]);
        assert!(distance(&back, &nodes) < 1e-5 && back.iter().all(|v| *v >= 0.0));
        let variance = |p: &[f64]| (0..n).map(|j| p[j] * x(j) * x(j)).sum::<f64>();
        assert!((variance(&back) - variance(&nodes)).abs() < 2e-5 && variance(&exact) - variance(&nodes) > 5e-4);
    }

    #[test]
    fn both_ways_keep_mass_and_positivity_on_rough_laws() {
        let rough: Vec<f64> = (0..30).map(|j| if j % 7 == 0 { 1.0 } else { 0.01 * (j % 3) as f64 }).collect();
        for out in [to_cells(&rough, &[5, 6]), to_nodes(&rough, &[5, 6])] {
            assert!((out.iter().sum::<f64>() - rough.iter().sum::<f64>()).abs() < 1e-13);
            assert!(out.iter().all(|v| *v >= 0.0));
        }
    }
}
