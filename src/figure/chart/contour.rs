//! Contour lines of a field on cell centres, by marching squares.

/// Segments of the line `field = level`; `field[i·ny + j]` stands at (`x[i]`, `y[j]`). Cells with a NaN have none.
pub fn segments(x: &[f64], y: &[f64], field: &[f64], level: f64) -> Vec<[[f64; 2]; 2]> {
    let (nx, ny) = (x.len(), y.len());
    let mut out = Vec::new();
    for i in 1..nx {
        for j in 1..ny {
            let corner = [(i - 1, j - 1), (i, j - 1), (i, j), (i - 1, j)];
            let value = corner.map(|(a, b)| field[a * ny + b] - level);
            if value.iter().any(|v| v.is_nan()) {
                continue;
            }
            // crossings of the four sides, in order round the cell
            let mut crossing = Vec::with_capacity(4);
            for k in 0..4 {
                let (v, w) = (value[k], value[(k + 1) % 4]);
                if (v > 0.0) != (w > 0.0) {
                    // from the smaller index, so that neighbouring cells find the very same point
                    let ((a, v), (b, w)) = ((corner[k], v), (corner[(k + 1) % 4], w));
                    let (((a, b), v), ((c, d), w)) = if a < b { ((a, v), (b, w)) } else { ((b, w), (a, v)) };
                    let s = if v.is_finite() && w.is_finite() { v / (v - w) } else { 0.5 };
                    crossing.push([x[a] + s * (x[c] - x[a]), y[b] + s * (y[d] - y[b])]);
                }
            }
            match crossing[..] {
                [p, q] => out.push([p, q]),
                [p, q, r, s] => {
                    // a saddle: the middle says which corners belong together
                    let middle_high = value.iter().sum::<f64>() > 0.0;
                    let pairs = if middle_high == (value[0] > 0.0) { [[p, q], [r, s]] } else { [[s, p], [q, r]] };
                    out.extend(pairs);
                }
                _ => {}
            }
        }
    }
    out
}

/// Segments joined end to end into as few polylines as they make.
pub fn lines(segments: &[[[f64; 2]; 2]]) -> Vec<Vec<[f64; 2]>> {
    use std::collections::HashMap;
    let key = |p: [f64; 2]| [p[0].to_bits(), p[1].to_bits()];
    let mut ends: HashMap<[u64; 2], Vec<usize>> = HashMap::new();
    for (k, segment) in segments.iter().enumerate() {
        segment.iter().for_each(|&p| ends.entry(key(p)).or_default().push(k));
    }
    let mut used = vec![false; segments.len()];
    let follow = |used: &mut Vec<bool>, from: [f64; 2]| {
        let mut path = Vec::new();
        let mut here = from;
        while let Some(&k) = ends.get(&key(here)).and_then(|at| at.iter().find(|&&k| !used[k])) {
            used[k] = true;
            here = if segments[k][0] == here { segments[k][1] } else { segments[k][0] };
            path.push(here);
        }
        path
    };
    let mut out = Vec::new();
    for k in 0..segments.len() {
        if used[k] {
            continue;
        }
        used[k] = true;
        let [p, q] = segments[k];
        let mut line: Vec<[f64; 2]> = follow(&mut used, p);
        line.reverse();
        line.extend([p, q]);
        line.extend(follow(&mut used, q));
        out.push(line);
    }
    out
}

/// Parts into which a cell is divided for a smooth line.
const PARTS: usize = 4;

/// The lines that hold the share `inside` of the probability: smooth on coarse grids too, by cubics through the logarithm of the
/// density, which for a normal law is a parabola.
pub fn lines_of_mass(x: &[f64], y: &[f64], density: &[f64], volume: &[f64], inside: f64) -> Vec<Vec<[f64; 2]>> {
    let level = level_of_mass(density, volume, inside);
    if level <= 0.0 {
        return Vec::new();
    }
    // far below the level it does not matter how deep it is, and a cubic through cliffs would swing
    let logarithm: Vec<f64> = density.iter().map(|d| (d / level).max(1e-4).ln()).collect();
    let (rows, fine_x) = refined(&logarithm, x, y.len());
    let turned = transposed(&rows, fine_x.len(), y.len());
    let (columns, fine_y) = refined(&turned, y, fine_x.len());
    lines(&segments(&fine_x, &fine_y, &transposed(&columns, fine_y.len(), fine_x.len()), 0.0))
}

/// Rows `field[i·width + j]` at `x[i]`, and between them by Catmull and Rom's cubics, with the places of the new ones.
fn refined(field: &[f64], x: &[f64], width: usize) -> (Vec<f64>, Vec<f64>) {
    let n = x.len();
    let (mut values, mut places) = (Vec::new(), Vec::new());
    for k in 0..=(n - 1) * PARTS {
        let (i, s) = (k / PARTS, (k % PARTS) as f64 / PARTS as f64);
        let near = [i.saturating_sub(1), i, (i + 1).min(n - 1), (i + 2).min(n - 1)];
        let weight = [
            s * (s * (2.0 - s) - 1.0) / 2.0,
            (s * s * (3.0 * s - 5.0) + 2.0) / 2.0,
            s * (s * (4.0 - 3.0 * s) + 1.0) / 2.0,
            s * s * (s - 1.0) / 2.0,
        ];
        let mix = |of: &dyn Fn(usize) -> f64| near.iter().zip(weight).map(|(&row, w)| w * of(row)).sum::<f64>();
        values.extend((0..width).map(|j| mix(&|row| field[row * width + j])));
        places.push(mix(&|row| x[row]));
    }
    (values, places)
}

fn transposed(field: &[f64], rows: usize, columns: usize) -> Vec<f64> {
    (0..columns).flat_map(|j| (0..rows).map(move |i| field[i * columns + j])).collect()
}

/// The density level whose super-level set holds the share `inside` of the probability, cell volumes given.
pub fn level_of_mass(density: &[f64], volume: &[f64], inside: f64) -> f64 {
    let mut order: Vec<usize> = (0..density.len()).collect();
    order.sort_by(|&a, &b| density[b].total_cmp(&density[a]));
    let total: f64 = density.iter().zip(volume).map(|(d, v)| d * v).sum();
    let mut sum = 0.0;
    for &k in &order {
        sum += density[k] * volume[k];
        if sum >= inside * total {
            return density[k];
        }
    }
    0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contour_of_a_cone_is_one_closed_circle() {
        let x: Vec<f64> = (0..61).map(|i| -1.5 + 0.05 * f64::from(i)).collect();
        let y: Vec<f64> = (0..51).map(|i| -1.25 + 0.05 * f64::from(i)).collect();
        let field: Vec<f64> = x.iter().flat_map(|a| y.iter().map(move |b| a.hypot(*b))).collect();
        let lines = lines(&segments(&x, &y, &field, 1.013));
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].first(), lines[0].last());
        assert!(lines[0].iter().all(|p| (p[0].hypot(p[1]) - 1.013).abs() < 2e-3));
    }

    /// The line that holds half of a normal law is a circle of radius √(2 ln 2), on cells of 0.6 too.
    #[test]
    fn lines_of_mass_are_smooth_on_coarse_grids() {
        let x: Vec<f64> = (0..13).map(|i| 0.6 * (f64::from(i) - 6.0)).collect();
        let density: Vec<f64> = x.iter().flat_map(|a| x.iter().map(move |b| (-(a * a + b * b) / 2.0).exp())).collect();
        let lines = lines_of_mass(&x, &x, &density, &[0.36; 169], 0.5);
        let radii: Vec<f64> = lines.iter().flatten().map(|p| p[0].hypot(p[1])).collect();
        let mean = radii.iter().sum::<f64>() / radii.len() as f64;
        assert_eq!(lines.len(), 1);
        assert!((mean - (2.0 * 2f64.ln()).sqrt()).abs() < 0.12, "{mean}");
        assert!(radii.iter().all(|r| (r - mean).abs() < 5e-3), "{radii:?}");
    }

    #[test]
    fn levels_enclose_their_mass() {
        let density = [4.0, 3.0, 2.0, 1.0];
        assert_eq!(level_of_mass(&density, &[0.1; 4], 0.35), 4.0);
        assert_eq!(level_of_mass(&density, &[0.1; 4], 0.65), 3.0);
        assert_eq!(level_of_mass(&[0.0; 4], &[0.1; 4], 0.5), 0.0);
    }
}
