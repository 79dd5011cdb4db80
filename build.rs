//! Embeds `static/`: writes a table of its files for `src/web/assets.rs` to include. The files
//! are served as they stand there, but for the comments and blanks of scripts and style sheets,
//! which nobody has to load; and the page links them in a folder that is named after what they
//! contain, so that a browser may keep them for good. They are embedded as gzip, as most clients
//! take them. Packs the document of the API too, which is read once at most.

use std::fmt::Write;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

fn main() {
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let out = PathBuf::from(std::env::var("OUT_DIR").expect("cargo sets it"));
    let folder = root.join("static");
    println!("cargo::rerun-if-changed=static");
    let mut files = Vec::new();
    collect(&folder, &mut files);
    // It tells Node, which runs the tests of pure modules, that they are modules.
    files.retain(|file| !file.ends_with("package.json"));
    let mut assets: Vec<(String, &str, String)> = files
        .iter()
        .map(|file| {
            println!("cargo::rerun-if-changed={}", file.display());
            let path = file.strip_prefix(&folder).expect("it was found there").display();
            let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{path}: {error}"));
            let (kind, text) = squeezed(&path.to_string(), text);
            (format!("/{path}"), kind, text)
        })
        .collect();
    // By the bytes of the path: it is looked up by halving.
    assets.sort();
    let edition = format!("/assets/{:08x}/", hash(&assets) >> 32);
    let mut table = format!("const EDITION: &str = {edition:?};\n");
    writeln!(table, "static ASSETS: [Asset; {}] = [", assets.len()).expect("a string grows");
    for (number, (path, kind, text)) in assets.iter_mut().enumerate() {
        if *path == "/index.html" {
            *text = text.replace("\"/assets/", &format!("\"{edition}"));
        }
        let tag = format!("{:016x}", hash(text));
        let embedded = out.join(format!("asset-{number}"));
        fs::write(&embedded, gzip(text.as_bytes())).expect("the directory is there");
        writeln!(
            table,
            "Asset {{ path: {path:?}, kind: {kind:?}, tag: {tag:?}, \
             packed: include_bytes!({embedded:?}) }},"
        )
        .expect("a string grows");
    }
    table.push_str("];\n");
    let document = "src/web/api/document.json";
    println!("cargo::rerun-if-changed={document}");
    let text = fs::read(root.join(document)).expect("it is a file of ours");
    let deflated = miniz_oxide::deflate::compress_to_vec(&text, 10);
    fs::write(out.join("document"), deflated).expect("the directory is there");
    fs::write(out.join("assets.rs"), table).expect("the directory is there");
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// RFC 1952: a head without a name or a time, the deflated bytes, their checksum and their length.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255];
    packed.extend(miniz_oxide::deflate::compress_to_vec(bytes, 10));
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    };
    packed.extend((!bytes.iter().fold(!0, step)).to_le_bytes());
    packed.extend((bytes.len() as u32).to_le_bytes());
    packed
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    for entry in entries {
        let path = entry.expect("the directory can be read").path();
        match path.is_dir() {
            true => collect(&path, files),
            false => files.push(path),
        }
    }
}

/// The type of a file, and its text as it is served.
fn squeezed(path: &str, text: String) -> (&'static str, String) {
    let ending = path.rsplit_once('.').map_or("", |(_, ending)| ending);
    match ending {
        "html" => ("text/html; charset=utf-8", text),
        "svg" => ("image/svg+xml", text),
        "css" => match minifier::css::minify(&text) {
            Ok(small) => ("text/css; charset=utf-8", small.to_string().replace(";}", "}")),
            Err(error) => panic!("static/{path}: {error}"),
        },
        "js" => ("text/javascript; charset=utf-8", minifier::js::minify(&text).to_string()),
        _ => panic!("static/{path}: no type is known for this ending; see build.rs"),
    }
}
