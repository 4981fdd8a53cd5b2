//! The page of `fpsolve report`: complete in itself, escaped, and its densities those of the record.
#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use common::{fpsolve, numbers, succeeds, words};
use serde_json::Value;

const LIBRARY: &str = include_str!("../assets/plotly/plotly-cartesian.min.js");

/// A scenario in so many dimensions, with texts that would break a page which does not escape them.
fn scenario(d: usize) -> String {
    let names = &["x", "y", "z"][..d];
    let variables: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    let loss: Vec<String> = names.iter().map(|name| format!("{name}^2")).collect();
    let cells = [700, 90, 8][d - 1];
    let axes: Vec<String> = names.iter().map(|_| format!("{{ from = -4, to = 5, cells = {cells} }}")).collect();
    let (mean, std) = (vec!["1"; d].join(", "), vec!["0.9"; d].join(", "));
    format!(
        "# </pre></script><img src=x onerror=alert(1)>\ndescription = \"<script>alert('a')</script> & \\\"b\\\"\"\n[model]\nvariables = [{}]\n\
         loss = \"({})/2\"\n[dynamics]\ntemperature = 0.5\n[grid]\naxes = [{}]\n[initial]\nkind = \"gaussian\"\nmean = [{mean}]\nstd = \
         [{std}]\n[time]\nend = 0.7\noutputs = 70\n[langevin]\nwalkers = 500\n[compare]\nmax_total_variation = 1e-9\n",
        variables.join(", "),
        loss.join(" + "),
        axes.join(", "),
    )
}

/// The page of a scenario in so many dimensions, without the library, and the record.
fn report(folder: &Path, d: usize) -> (String, fpsolve::record::Record) {
    std::fs::write(folder.join("evil.toml"), scenario(d)).unwrap();
    let run = fpsolve(folder, &["scenario", "evil.toml", "--force", "--quiet"]);
    assert_eq!(run.status.code(), Some(3), "{}", words(&run));
    succeeds(folder, &["report", "evil.h5", "--force"]);
    let page = std::fs::read_to_string(folder.join("evil.html")).unwrap();
    assert_eq!(page.matches(LIBRARY).count(), 1);
    (page.replace(LIBRARY, ""), common::read(&folder.join("evil.h5")))
}

fn data(page: &str) -> Value {
    let (_, rest) = page.split_once("<script type=\"application/json\" id=\"data\">").unwrap();
    serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
}

fn decoded(value: &Value) -> Vec<f64> {
    let bytes = base64::prelude::BASE64_STANDARD.decode(value.as_str().unwrap()).unwrap();
    bytes.chunks_exact(4).map(|four| f64::from(f32::from_le_bytes(four.try_into().unwrap()))).collect()
}

#[test]
fn the_page_is_escaped_and_loads_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (page, _) = report(folder.path(), 1);
    assert!(!page.contains("<script>alert") && !page.contains("<img src=x") && !page.contains("</pre></script>"));
    assert!(page.contains("&lt;script&gt;alert(&#39;a&#39;)&lt;/script&gt; &amp; &quot;b&quot;"));
    assert_eq!(page.matches("<script").count(), 3, "data, library, script");
    assert!(page.contains(
        "content=\"default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:\""
    ));
    for loads in
        ["src=\"http", "href=\"http", "src=\"//", "href=\"//", "url(", "@import", "fetch(", "import(", "XMLHttpRequest"]
    {
        assert!(!page.contains(loads), "{loads}");
    }
    let place = |what: &str| page.find(what).unwrap_or_else(|| panic!("no {what}"));
    assert!(place("What may not be trusted") < place("id=\"density\""));
    assert!(place("Failed verdict max_total_variation") < place("id=\"verdicts\""));
    let again = fpsolve(folder.path(), &["report", "evil.h5"]);
    assert!(again.status.code() == Some(2) && words(&again).contains("--force"), "{}", words(&again));
    assert_eq!(fpsolve(folder.path(), &["report", "none.h5"]).status.code(), Some(2));
}

/// One picture to a file, some to a folder, and what there is.
#[test]
fn pictures_are_chosen_by_name_format_and_width() {
    let folder = tempfile::tempdir().unwrap();
    report(folder.path(), 1);
    let plot = |more: &[&str]| fpsolve(folder.path(), &[&["plot", "evil.h5"], more].concat());
    let listed = common::text(&plot(&["--list"]).stdout);
    let names: Vec<&str> = listed.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(names.contains(&"density") && !names.contains(&"fits") && !folder.path().join("evil").exists(), "{listed}");
    assert_eq!(common::text(&plot(&["--only", "density", "--width", "700", "-o", "one.png"]).stdout), "one.png\n");
    let png = std::fs::read(folder.path().join("one.png")).unwrap();
    assert_eq!(u32::from_be_bytes(png[16..20].try_into().unwrap()), 700, "the width in the header of a PNG");
    assert_eq!(
        common::text(&plot(&["--only", "density", "--format", "svg", "-o", "some"]).stdout),
        "some/density.svg\n"
    );
    let several = plot(&["-o", "all.svg"]);
    assert!(
        several.status.code() == Some(2) && words(&several).contains("can hold one picture"),
        "{}",
        words(&several)
    );
    let absent = plot(&["--only", "fits"]);
    assert!(
        absent.status.code() == Some(2) && words(&absent).contains("no data for the picture fits"),
        "{}",
        words(&absent)
    );
    assert_eq!(plot(&["--format", "gif"]).status.code(), Some(2));
}

/// The summary again, and as data.
#[test]
fn a_record_gives_its_summary_as_text_and_as_data() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("evil.toml"), scenario(1)).unwrap();
    let run = fpsolve(folder.path(), &["scenario", "evil.toml"]);
    let printed = common::text(&run.stdout);
    let again = succeeds(folder.path(), &["show", "evil.h5", "--summary"]);
    assert!(!again.is_empty() && printed.starts_with(&again), "{printed}{again}");
    let data: Value = serde_json::from_str(&succeeds(folder.path(), &["show", "evil.h5", "--json"])).unwrap();
    let record = common::read(&folder.path().join("evil.h5"));
    assert_eq!(data["status"], "complete");
    assert_eq!(data["verdicts"][0]["passed"], false);
    assert_eq!(data["groups"]["stationary"]["mean"][0].as_f64().unwrap(), numbers(&record, "stationary/mean")[0]);
    let grid = common::number(&record, "fokker_planck/error_grid");
    assert_eq!(data["groups"]["fokker_planck"]["error_grid"].as_f64().unwrap(), grid);
    assert!(data["groups"]["fokker_planck"].get("density").is_none());
}

/// Marginals and maps keep the probability of the record: of a page in one, two and three dimensions, with coarse cells or not.
#[test]
fn the_densities_of_the_page_are_those_of_the_record() {
    let folder = tempfile::tempdir().unwrap();
    for (d, panels) in [(1, 1), (2, 3), (3, 6)] {
        let (page, record) = report(folder.path(), d);
        let data = data(&page);
        assert_eq!(data["panels"].as_array().unwrap().len(), panels);
        let times: Vec<f64> = data["times"].as_array().unwrap().iter().map(|t| t.as_f64().unwrap()).collect();
        assert_eq!((times.len(), times[0], times[59]), (60, 0.0, 0.7));
        let density = numbers(&record, "langevin/density");
        let side: f64 = 9.0 / [700.0, 90.0, 8.0][d - 1];
        let first: f64 = density[..density.len() / 70].iter().sum::<f64>() * side.powi(d as i32);
        for panel in data["panels"].as_array().unwrap() {
            assert_eq!(panel["series"].as_array().unwrap().len(), 2, "Fokker-Planck and Langevin");
            let highest = decoded(&panel["series"][0]["values"]).into_iter().fold(0.0, f64::max);
            let top = panel["top"].as_f64().unwrap();
            assert!(top > 0.99 * highest.min(1.0), "one scale for all times and engines: {top}, {highest}");
            let series = &panel["series"][1];
            let cells = series["cells"].as_u64().unwrap() as usize;
            let values = decoded(&series["values"]);
            assert_eq!(values.len(), 60 * cells);
            let width = |key: &str| widths(&decoded(&panel[key]));
            let volumes: Vec<f64> = match panel["y"].is_null() {
                true => width("x"),
                false => width("x").iter().flat_map(|a| width("y").into_iter().map(move |b| a * b)).collect(),
            };
            let mass: f64 = values[..cells].iter().zip(&volumes).map(|(rho, volume)| rho * volume).sum();
            assert!((mass - first).abs() < 1e-4, "{d}: {mass} for {first}");
        }
    }
}

/// What a reader does with the page: moves the slider, starts and stops the play, reads values by keys. Added to the page in the browser.
const READER: &str = r##"<script>
addEventListener("load", () => {
  const found = {};
  const boxes = Array.from(document.querySelectorAll("#densities .js-plotly-plot"));
  const shown = () => JSON.stringify(boxes.map((box) => box.data.map((trace) => trace.z ?? trace.y)));
  const scales = () => JSON.stringify(boxes.map((box) => (box.data[0].z ? [box.data[0].zmin, box.data[0].zmax] : box.layout.yaxis.range)));
  const slider = document.getElementById("time");
  const turn = (k) => { slider.value = k; slider.dispatchEvent(new Event("input")); return [shown(), scales()]; };
  const [first, last] = [turn(0), turn(Number(slider.max))];
  found.plots = boxes.length;
  found.moved = first[0] !== last[0];
  found.scale = first[1] === last[1];
  const own = document.getElementById("own");
  own.click();
  found.own = scales() !== last[1];
  own.click();
  turn(0);
  const play = document.getElementById("play");
  play.click();
  found.playing = play.textContent;
  play.click();
  found.paused = play.textContent;
  const press = (key) => boxes[0].dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  const read = () => boxes[0].parentElement.querySelector(".read").textContent;
  press("ArrowRight");
  found.read = read();
  press("ArrowRight");
  found.next = read();
  press("PageDown");
  found.later = slider.value;
  found.ground = getComputedStyle(document.body).backgroundColor;
  setTimeout(() => {
    found.still = slider.value;
    document.documentElement.dataset.found = JSON.stringify(found);
  }, 1500);
});
</script></body>"##;

/// A Chromium or Chrome on this machine: `FPSOLVE_CHROMIUM`, else by its names.
fn browser() -> Option<String> {
    let named = std::env::var("FPSOLVE_CHROMIUM").ok();
    let known = ["chromium", "chromium-browser", "google-chrome"].map(String::from);
    let runs = |name: &String| Command::new(name).arg("--version").output().is_ok_and(|out| out.status.success());
    named.into_iter().chain(known).find(runs)
}

/// The page works in a browser, without an error in its console, in light and in dark.
#[test]
fn the_page_works_in_a_browser() {
    let Some(browser) = browser() else {
        eprintln!("skipped: no Chromium is installed (apt-get install chromium), and FPSOLVE_CHROMIUM names none");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    for (d, plots) in [(1, 1), (2, 5)] {
        report(folder.path(), d);
        let path = folder.path().join("evil.html");
        let page = std::fs::read_to_string(&path).unwrap();
        let (before, after) = page.rsplit_once("</body>").unwrap();
        std::fs::write(&path, format!("{before}{READER}{after}")).unwrap();
        for (scheme, ground) in [("0", "rgb(23, 25, 28)"), ("1", "rgb(255, 255, 255)")] {
            let out = Command::new(&browser)
                .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--dump-dom"])
                .args(["--enable-logging=stderr", "--virtual-time-budget=20000", "--window-size=1200,900"])
                .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
                .arg(format!("--blink-settings=preferredColorScheme={scheme}"))
                .arg(format!("file://{}", path.display()))
                .output()
                .unwrap();
            let said = common::text(&out.stderr);
            let errors: Vec<&str> = said.lines().filter(|line| line.contains("CONSOLE")).collect();
            assert!(errors.is_empty(), "{errors:?}");
            let dom = common::text(&out.stdout);
            let (_, rest) =
                dom.split_once("data-found=\"").unwrap_or_else(|| panic!("the page did not answer: {said}"));
            let found: Value = serde_json::from_str(&rest.split_once('"').unwrap().0.replace("&quot;", "\"")).unwrap();
            assert_eq!(found["plots"], plots, "{found}");
            for holds in ["moved", "scale", "own"] {
                assert_eq!(found[holds], true, "{holds}: {found}");
            }
            assert_eq!((&found["playing"], &found["paused"]), (&"Pause".into(), &"Play".into()), "{found}");
            assert_eq!(found["later"], found["still"], "no timer runs on: {found}");
            let read = found["read"].as_str().unwrap();
            assert!(read.starts_with("x = ") && read.contains(": Fokker–Planck "), "{found}");
            assert_ne!(found["read"], found["next"]);
            assert_eq!(found["ground"], ground);
        }
    }
}

/// The widths of cells between -4 and 5, from their centres.
fn widths(centers: &[f64]) -> Vec<f64> {
    let mut from = -4.0;
    let width = |center: &f64| {
        let width = 2.0 * (center - from);
        from += width;
        width
    };
    let widths: Vec<f64> = centers.iter().map(width).collect();
    assert!((from - 5.0).abs() < 1e-3, "{from}");
    widths
}
