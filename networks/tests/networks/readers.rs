//! Readers of images: what is right is read, what is wrong is named with file and offset.

use std::io::Write;
use std::path::{Path, PathBuf};

use fpsolve::reader::Source;
use fpsolve_networks::data::DataSet;
use fpsolve_networks::scenario::Scenario;
use fpsolve_solvers::numerics::random::Stream;

const TRAINING: &str = "[training]\nepochs = 1\nbatch_size = 2\nlearning_rate = 0.1\n";

/// Reads the data of a scenario in a folder, with these lines in [network.data].
fn read(folder: &Path, lines: &str) -> Result<DataSet, String> {
    let text = format!("[network]\nkind = \"linear\"\n[network.data]\n{lines}\n{TRAINING}");
    let source = Source::from_text(&folder.join("a.toml"), text);
    let scenario = Scenario::parse(source).map_err(|report| report.to_string())?;
    DataSet::read(&scenario.data, &scenario.source, 1).map_err(|failure| failure.report.to_string())
}

fn cifar(labels: &[u8]) -> Vec<u8> {
    labels
        .iter()
        .flat_map(|&label| std::iter::once(label).chain((0..3072).map(move |k| (k / 1024 + usize::from(label)) as u8)))
        .collect()
}

#[test]
fn cifar_files_are_read_plane_by_plane() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let lines = "kind = \"cifar10-binary\"\nfolder = \".\"";
    assert!(read(folder.path(), lines).unwrap_err().contains("data_batch_1.bin: there is no such file"));
    std::fs::write(at("data_batch_1.bin"), cifar(&[3, 9])).unwrap();
    std::fs::write(at("data_batch_2.bin"), cifar(&[7])).unwrap();
    assert!(read(folder.path(), lines).unwrap_err().contains("test_batch.bin: there is no such file"));
    std::fs::write(at("test_batch.bin"), cifar(&[0])).unwrap();
    let data = read(folder.path(), lines).unwrap();
    assert_eq!((data.train.labels.as_slice(), data.train.shape, data.classes), (&[3, 9, 7][..], [3, 32, 32], 10));
    assert_eq!([data.train.image(1)[0], data.train.image(1)[1024], data.train.image(1)[3071]], [9, 10, 11]);
    assert_eq!((data.files.len(), data.files[2].sha256.len()), (3, 64));
    std::fs::write(at("data_batch_2.bin"), &cifar(&[7, 1])[..4000]).unwrap();
    let said = read(folder.path(), lines).unwrap_err();
    assert!(said.contains("data_batch_2.bin: 4000 bytes") && said.contains("offset 3073"), "{said}");
    std::fs::write(at("data_batch_2.bin"), cifar(&[7, 10])).unwrap();
    let said = read(folder.path(), lines).unwrap_err();
    assert!(said.contains("record 1, at offset 3073, is 10"), "{said}");
}

fn idx(sizes: &[u32], bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![0, 0, 8, sizes.len() as u8];
    sizes.iter().for_each(|n| out.extend(n.to_be_bytes()));
    [out, bytes.to_vec()].concat()
}

#[test]
fn idx_files_are_read_plain_and_gzipped() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    let gzip = |bytes: &[u8]| {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(bytes).unwrap();
        packer.finish().unwrap()
    };
    let lines = "kind = \"idx\"\ntrain = [\"i\", \"l\"]\ntest = [\"i\", \"l\"]";
    let (images, labels) = (idx(&[2, 2, 3], &[0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15]), idx(&[2], &[4, 0]));
    put("i", &gzip(&images));
    put("l", &labels);
    let data = read(folder.path(), lines).unwrap();
    assert_eq!((data.train.image(1), data.train.labels.as_slice()), (&[10, 11, 12, 13, 14, 15][..], &[4, 0][..]));
    let fails = |name: &str, bytes: &[u8], wanted: &str| {
        put(name, bytes);
        let said = read(folder.path(), lines).err().unwrap_or_default();
        assert!(said.contains(wanted), "{wanted}: {said}");
        put("i", &images);
        put("l", &labels);
    };
    fails(
        "i",
        &labels,
        "i: this is no IDX file of images: it begins with 00 00 08 01 at offset 0, not with 00 00 08 03",
    );
    fails("i", &images[..20], "the sizes [2, 2, 3] at offset 4 ask for 12 bytes from offset 16 on, but there are 4");
    fails("i", &idx(&[u32::MAX; 3], &[1]), "ask for too many bytes");
    fails("l", &idx(&[3], &[1, 2, 3]), "l: 3 labels for the 2 images");
    fails("i", &gzip(&images)[..15], "i: damaged gzip, after ");
    fails("i", b"", "i: this is no IDX file");
}

#[test]
fn csv_files_are_read_and_stretched() {
    let folder = tempfile::tempdir().unwrap();
    let lines = "kind = \"csv\"\nfile = \"a.csv\"\nshape = [1, 2]\nwhite = 16\nsamples = 2\ntest_samples = 1";
    let with = |text: &str| {
        std::fs::write(folder.path().join("a.csv"), text).unwrap();
        read(folder.path(), lines)
    };
    let data = with("0,16,1\n8,4,0\r\n1,1,1\n\n").unwrap();
    let mut pixels: Vec<_> = [&data.train, &data.test].iter().flat_map(|part| part.pixels.chunks(2)).collect();
    pixels.sort();
    assert_eq!(pixels, [[0, 255], [16, 16], [128, 64]]);
    let fails = |text: &str, wanted: &str| {
        let said = with(text).err().unwrap_or_default();
        assert!(said.contains(wanted), "{wanted}: {said}");
    };
    fails("0,1,1\n0,1\n", "a.csv: line 2, offset 6: 2 numbers, but 1×2 pixels and a label are 3");
    fails("0,17,1\n", "line 1, offset 0: \"17\" in column 2 is no pixel (0 to 16)");
    fails("0,1.5,1\n", "\"1.5\" in column 2 is no pixel");
    fails("0,1,-1\n", "\"-1\" in column 3 is no label");
    fails("0,1,1\n0,1,1\n", "`network.data.samples` is 2, but there are 1 images");
}

#[test]
fn planted_labels_are_as_many_as_asked_for_and_wrong() {
    let scenario = crate::digits("kind = \"linear\"", &format!("samples = 1000\nwrong_labels = 0.2\n{TRAINING}"));
    let data = crate::data(&scenario);
    let wrong = data.wrong();
    assert_eq!((wrong.iter().filter(|&&w| w).count(), data.classes, data.train.len()), (200, 10, 1000));
    assert_eq!(data.test.len(), 1797 / 5);
    let again = crate::data(&scenario);
    assert_eq!((again.train, again.true_labels), (data.train.clone(), data.true_labels.clone()));
    let rows: std::collections::HashSet<u32> = data.train.rows.iter().chain(&data.test.rows).copied().collect();
    assert_eq!(rows.len(), data.train.len() + data.test.len(), "no image is learnt and tested with");
}

#[test]
fn changed_images_are_shifts_and_mirrors() {
    let augment = format!("samples = 50\naugment = {{ pad = 2, flip = true }}\n{TRAINING}");
    let data = crate::data(&crate::digits("kind = \"linear\"", &augment));
    let plain = data.pixels(&data.train, &[7], None);
    let (mut stream, mut seen) = (Stream::new(1, "test", 0), std::collections::HashSet::new());
    for _ in 0..400 {
        let changed = data.pixels(&data.train, &[7], Some(&mut stream));
        let candidates = (0..5).flat_map(|dy| (0..5).flat_map(move |dx| [false, true].map(|flip| (dy, dx, flip))));
        let fits = |&(dy, dx, flip): &(usize, usize, bool)| {
            (0..64).all(|k| {
                let (y, x) = (k / 8 + dy, k % 8 + dx);
                let inside = (2..10).contains(&y) && (2..10).contains(&x);
                let column = if flip { 9usize.wrapping_sub(x) } else { x.wrapping_sub(2) };
                changed[k] == if inside { plain[8 * (y - 2) + column] } else { 0.0 }
            })
        };
        seen.insert(candidates.into_iter().find(fits).expect("a shift or a mirrored shift"));
    }
    assert_eq!(seen.len(), 50, "every shift is seen, mirrored and not");
}

#[test]
fn wrong_keys_are_named_with_their_place() {
    let with = |network: &str, rest: &str| {
        let text =
            format!("[network]\n{network}\n[network.data]\nkind = \"csv\"\nfile = \"a\"\nshape = [8, 8]\n{rest}");
        Scenario::parse(Source::from_text(&PathBuf::from("a.toml"), text)).err().map(|report| report.to_string())
    };
    let cases = [
        ("kind = \"resnet\"\ndepth = 21", TRAINING, "a ResNet for CIFAR has 6n + 2 layers, not 21"),
        ("kind = \"cnn\"\ndepth = 20", TRAINING, "`network.depth` belongs to kind = \"resnet\""),
        ("kind = \"cnn\"\nchanels = [1]", TRAINING, "unknown key `network.chanels`"),
        ("kind = \"vgg\"", TRAINING, "`network.kind` cannot be \"vgg\""),
        ("kind = \"linear\"", "", "the scenario has no [training]"),
        ("kind = \"linear\"", "[training]\nepochs = 1\nbatch_size = 2\n", "`learning_rate` is missing"),
        ("kind = \"alexnet\"\ndropout = 1", TRAINING, "`network.dropout` must lie between 0 and 1"),
        ("kind = \"linear\"", "wrong_labels = 2\n", "must lie between 0 and 0.9"),
    ];
    for (network, rest, wanted) in cases {
        let said = with(network, rest).unwrap_or_default();
        assert!(said.contains(wanted), "{wanted}: {said}");
    }
    let more = |lines: &str, wanted: &str| {
        let said = with("kind = \"linear\"", &format!("{TRAINING}{lines}")).unwrap_or_default();
        assert!(said.contains(wanted), "{wanted}: {said}");
    };
    more("[importance]\nc = [1.0, 1.0]\n", "`importance.c` has 1 twice");
    more("[importance]\nc = [\"unifrom\"]\n", "cannot be \"unifrom\"");
    more("[importance]\nc = [-1]\n", "must be positive");
    more("[runs]\nseeds = [1, 1]\n", "`runs.seeds` has 1 twice");
    let slice = "[[slice]]\nname = \"a\"\naxes = [{ from = 0, to = 1, nodes = 5 }, { from = 0, to = 1, nodes = 5 }]\n";
    more(&format!("{slice}directions = \"minima\"\n"), "`others` is missing");
    more(
        &format!("{slice}directions = \"minima\"\nothers = [{{ seed = 2 }}, {{ seed = 3 }}]\n"),
        "no run has the seed 2",
    );
    more(&format!("{slice}directions = \"pca\"\nrun = {{ c = 3 }}\n"), "no run has c = 3");
    more("[model]\nkind = \"formula\"\n", "unknown key `model`");
}
