//! What the tests of this folder share, and the properties that hold for random problems.

#[cfg(test)]
pub(crate) mod fixtures;
#[cfg(test)]
pub(crate) mod properties;
#[cfg(test)]
pub(crate) mod test_fields;
#[cfg(test)]
mod walls;
