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

    #[test]
    fn levels_enclose_their_mass() {
        let density = [4.0, 3.0, 2.0, 1.0];
        assert_eq!(level_of_mass(&density, &[0.1; 4], 0.35), 4.0);
        assert_eq!(level_of_mass(&density, &[0.1; 4], 0.65), 3.0);
        assert_eq!(level_of_mass(&[0.0; 4], &[0.1; 4], 0.5), 0.0);
    }
}
