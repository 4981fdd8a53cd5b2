//! The report of a record: one page of HTML that needs nothing else, no network either. What may not be trusted comes first.
//!
//! Pictures that move are drawn in the browser by plotly.js (assets/plotly, MIT), which the page carries; the others are those of
//! [`crate::figure`]. Every text of the record is escaped, and the page forbids itself to load anything.

mod data;
pub(crate) mod html;
mod tables;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::figure::look::Look;
use crate::figure::{self, Error};
use crate::record::Record;
use crate::record::read::text;
use crate::summary::summary;
use html::{escape, fill, paragraph};

const TEMPLATE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
const LIBRARY: &str = include_str!("../../assets/plotly/plotly-cartesian.min.js");

/// The report as a page of HTML. Errors: a record without what every picture needs.
pub fn page(record: &Record) -> Result<String, Error> {
    let word = |name: &str| text(record, name).unwrap_or_default();
    // JSON inside a script: no sign of it may end the element
    let data = data::data(record)?.to_string().replace('<', "\\u003c");
    let parts = [
        ("title", escape(&format!("{}: {}", word("name"), word("status")))),
        ("about", escape(word("description"))),
        ("style", STYLE.to_string()),
        ("trust", tables::trust(record)),
        ("verdicts", tables::verdicts(record)),
        ("errors", tables::errors(record)),
        ("summary", escape(&summary(record))),
        ("pictures", pictures(record)?),
        ("scenario", escape(word("scenario"))),
        ("provenance", tables::provenance(record)),
        ("data", data),
        ("library", LIBRARY.to_string()),
        ("script", SCRIPT.to_string()),
    ];
    Ok(fill(TEMPLATE, &parts))
}

/// Every picture of `fpsolve plot`, as images inside the page.
fn pictures(record: &Record) -> Result<String, Error> {
    let (drawings, failed) = figure::drawings(record, Look::default())?;
    let mut out: String = failed.iter().map(|error| paragraph(&error.to_string())).collect();
    for figure::Drawing { figure, svg } in drawings {
        let (name, about) = (escape(figure.name), escape(figure.about));
        let image = BASE64_STANDARD.encode(svg);
        out += &format!(
            "<figure><img alt=\"{about}\" src=\"data:image/svg+xml;base64,{image}\"><figcaption>{name}: {about}</figcaption></figure>\n"
        );
    }
    Ok(if out.is_empty() { paragraph("There is nothing to draw.") } else { out })
}
