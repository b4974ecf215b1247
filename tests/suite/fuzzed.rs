//! Inputs that the fuzz targets found, and some seeds: the properties hold for them.

use std::fs;

use crate::byte_properties::PROPERTIES;
use crate::tidy::{names, root};

#[test]
fn inputs_that_broke_a_property_no_longer_do() {
    for (name, property) in PROPERTIES {
        let folder = root().join("tests/fuzzed").join(name);
        let inputs = names(&folder);
        assert!(!inputs.is_empty(), "{name}: no input");
        for input in inputs {
            property(&fs::read(folder.join(input)).unwrap());
        }
    }
}
