//! Writes small databases in MaxMind's format, so that no test needs somebody's data. The format is described at
//! <https://maxmind.github.io/MaxMind-DB/>.

use serde_json::Value;
use std::net::IpAddr;

/// Bits of a record of the tree: three bytes.
const RECORD_BITS: u64 = 24;

/// A branch of the tree.
#[derive(Clone, Copy)]
enum Side {
    Nothing,
    Node(usize),
    Data(usize),
}

/// A database of networks (`203.0.113.0/24`, `2001:db8::/32`), each with its record.
pub fn database(kind: &str, networks: &[(&str, Value)]) -> Vec<u8> {
    let (mut nodes, mut data) = (vec![[Side::Nothing; 2]], Vec::new());
    for (network, record) in networks {
        let at = data.len();
        push(&mut data, record);
        let (bits, length) = bits(network);
        insert(&mut nodes, &bits[..length], at);
    }
    let mut file = Vec::new();
    for side in nodes.iter().flatten() {
        let number = match side {
            Side::Nothing => nodes.len(),
            Side::Node(index) => *index,
            Side::Data(at) => nodes.len() + 16 + at,
        };
        file.extend_from_slice(&u32::try_from(number).unwrap().to_be_bytes()[1..]);
    }
    file.extend_from_slice(&[0; 16]);
    file.extend(data);
    file.extend_from_slice(b"\xab\xcd\xefMaxMind.com");
    push(
        &mut file,
        &serde_json::json!({
            "node_count": nodes.len(), "record_size": RECORD_BITS, "ip_version": 6, "database_type": kind,
            "languages": ["en"], "binary_format_major_version": 2, "binary_format_minor_version": 0,
            "build_epoch": 1_780_000_000, "description": {"en": "made by a test"},
        }),
    );
    file
}

/// A network's bits in the tree, where IPv4 lies below `::/96`.
fn bits(network: &str) -> (Vec<usize>, usize) {
    let (address, length) = network.split_once('/').unwrap();
    let length: usize = length.parse().unwrap();
    let (bytes, above) = match address.parse().unwrap() {
        IpAddr::V4(four) => ([[0; 12].as_slice(), &four.octets()].concat(), 96),
        IpAddr::V6(six) => (six.octets().to_vec(), 0),
    };
    let bits = bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| usize::from(byte >> bit & 1)));
    (bits.collect(), above + length)
}

fn insert(nodes: &mut Vec<[Side; 2]>, bits: &[usize], at: usize) {
    let (last, way) = bits.split_last().unwrap();
    let mut node = 0;
    for bit in way {
        node = match nodes[node][*bit] {
            Side::Node(next) => next,
            Side::Nothing => {
                nodes.push([Side::Nothing; 2]);
                let next = nodes.len() - 1;
                nodes[node][*bit] = Side::Node(next);
                next
            }
            Side::Data(_) => panic!("networks that lie in one another"),
        };
    }
    nodes[node][*last] = Side::Data(at);
}

/// The type of a number by the name it stands under: 16, 32 or 64 bits.
fn width(key: &str) -> u8 {
    match key {
        "record_size" | "ip_version" | "binary_format_major_version" | "binary_format_minor_version" => 5,
        "build_epoch" => 9,
        _ => 6,
    }
}

fn push_number(out: &mut Vec<u8>, kind: u8, number: u64) {
    let bytes = number.to_be_bytes();
    let kept = &bytes[bytes.iter().take_while(|byte| **byte == 0).count()..];
    head(out, kind, kept.len());
    out.extend_from_slice(kept);
}

/// Appends a value of the data section: maps, texts, whole numbers, truths, lists.
fn push(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Object(map) => {
            head(out, 7, map.len());
            for (key, value) in map {
                push(out, &Value::from(key.as_str()));
                match value.as_u64() {
                    Some(number) => push_number(out, width(key), number),
                    None => push(out, value),
                }
            }
        }
        Value::String(text) => {
            head(out, 2, text.len());
            out.extend_from_slice(text.as_bytes());
        }
        Value::Number(number) => push_number(out, 6, number.as_u64().unwrap()),
        Value::Bool(is_true) => head(out, 14, usize::from(*is_true)),
        Value::Array(list) => {
            head(out, 11, list.len());
            list.iter().for_each(|value| push(out, value));
        }
        Value::Null => panic!("the format has no null"),
    }
}

/// The control byte of a type and a size, with the bytes that a higher type and a longer size add.
fn head(out: &mut Vec<u8>, kind: u8, size: usize) {
    let (size, more) = match size {
        0..29 => (u8::try_from(size).unwrap(), Vec::new()),
        29..285 => (29, vec![u8::try_from(size - 29).unwrap()]),
        _ => (30, u16::try_from(size - 285).unwrap().to_be_bytes().to_vec()),
    };
    if kind > 7 {
        out.extend_from_slice(&[size, kind - 7]);
    } else {
        out.push(kind << 5 | size);
    }
    out.extend(more);
}
