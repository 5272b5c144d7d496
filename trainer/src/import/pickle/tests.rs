use super::*;

fn root(bytes: &[u8]) -> (Pickle, Value) {
    let (pickle, used) = parse(bytes).expect("read");
    assert_eq!(used, bytes.len());
    let value = pickle.value(pickle.root()).clone();
    (pickle, value)
}

fn refused(bytes: &[u8]) -> String {
    parse(bytes).expect_err("refused").to_string()
}

/// `{"a": [1, -2.5, True, None, "x\n€", 2**70, (1, 2, 3, 4), {5}], "b": b"\xff"}` as Python
/// writes it in each protocol.
const SAME: [&[u8]; 5] = [
    b"(dp0\nVa\np1\n(lp2\nI1\naF-2.5\naI01\naNaVx\\u000a\\u20ac\np3\naL1180591620717411303424L\n\
      a(I1\nI2\nI3\nI4\ntp4\nac__builtin__\nset\np5\n((lp6\nI5\natp7\nRp8\nasVb\np9\nc_codecs\n\
      encode\np10\n(V\xff\np11\nVlatin1\np12\ntp13\nRp14\ns.",
    b"}q\x00(X\x01\x00\x00\x00aq\x01]q\x02(K\x01G\xc0\x04\x00\x00\x00\x00\x00\x00I01\nNX\x05\x00\
      \x00\x00x\n\xe2\x82\xacq\x03L1180591620717411303424L\n(K\x01K\x02K\x03K\x04tq\x04c\
      __builtin__\nset\nq\x05(]q\x06K\x05atq\x07Rq\x08eX\x01\x00\x00\x00bq\tc_codecs\nencode\nq\
      \n(X\x02\x00\x00\x00\xc3\xbfq\x0bX\x06\x00\x00\x00latin1q\x0ctq\rRq\x0eu.",
    b"\x80\x02}q\x00(X\x01\x00\x00\x00aq\x01]q\x02(K\x01G\xc0\x04\x00\x00\x00\x00\x00\x00\x88NX\
      \x05\x00\x00\x00x\n\xe2\x82\xacq\x03\x8a\t\x00\x00\x00\x00\x00\x00\x00\x00@(K\x01K\x02K\x03\
      K\x04tq\x04c__builtin__\nset\nq\x05]q\x06K\x05a\x85q\x07Rq\x08eX\x01\x00\x00\x00bq\tc\
      _codecs\nencode\nq\nX\x02\x00\x00\x00\xc3\xbfq\x0bX\x06\x00\x00\x00latin1q\x0c\x86q\rRq\x0e\
      u.",
    b"\x80\x03}q\x00(X\x01\x00\x00\x00aq\x01]q\x02(K\x01G\xc0\x04\x00\x00\x00\x00\x00\x00\x88NX\
      \x05\x00\x00\x00x\n\xe2\x82\xacq\x03\x8a\t\x00\x00\x00\x00\x00\x00\x00\x00@(K\x01K\x02K\x03\
      K\x04tq\x04cbuiltins\nset\nq\x05]q\x06K\x05a\x85q\x07Rq\x08eX\x01\x00\x00\x00bq\tC\x01\xffq\
      \nu.",
    b"\x80\x05\x95F\x00\x00\x00\x00\x00\x00\x00}\x94(\x8c\x01a\x94]\x94(K\x01G\xc0\x04\x00\x00\
      \x00\x00\x00\x00\x88N\x8c\x05x\n\xe2\x82\xac\x94\x8a\t\x00\x00\x00\x00\x00\x00\x00\x00@(K\
      \x01K\x02K\x03K\x04t\x94\x8f\x94(K\x05\x90e\x8c\x01b\x94C\x01\xff\x94u.",
];

#[test]
fn all_protocols_give_the_same_values() {
    for bytes in SAME {
        let (pickle, _) = root(bytes);
        let list = pickle.sequence(pickle.get(pickle.root(), "a").expect("a")).expect("a list");
        let values: Vec<&Value> = list.iter().map(|&id| pickle.value(id)).collect();
        let plain = [
            Value::Int(1),
            Value::Float(-2.5),
            Value::Bool(true),
            Value::None,
            Value::Str("x\n\u{20ac}".to_owned()),
            Value::Long(vec![0, 0, 0, 0, 0, 0, 0, 0, 0x40]),
        ];
        assert!(values.iter().copied().take(6).eq(plain.iter()), "{values:?}");
        let counts: Vec<_> =
            pickle.sequence(list[6]).expect("a tuple").iter().map(|&id| pickle.count(id)).collect();
        assert_eq!(counts, [1, 2, 3, 4].map(Some));
        let Value::Set(set) = values[7] else { panic!("{:?} is no set", values[7]) };
        assert_eq!(set.iter().map(|&id| pickle.count(id)).collect::<Vec<_>>(), [Some(5)]);
        // Old protocols have no bytes: Python writes a call that makes them.
        let b = pickle.value(pickle.get(pickle.root(), "b").expect("b"));
        assert!(matches!(b, Value::Bytes(_) | Value::Object(_)), "{b:?}");
    }
}

#[test]
fn numbers_and_texts_of_old_pickles_are_read() {
    assert_eq!(root(b"S'a\\'\\x41\\n'\n.").1, Value::Str("a'A\n".to_owned()));
    assert_eq!(root(b"U\x02\xff\xfe.").1, Value::Bytes(vec![0xff, 0xfe]));
    assert_eq!(root(b"L-5L\n.").1, Value::Int(-5));
    assert_eq!(root(b"\x8a\x01\xff.").1, Value::Int(-1));
    assert_eq!(root(b"\x8a\x00.").1, Value::Int(0));
    assert_eq!(root(b"\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x80\x00.").1.clone(), {
        Value::Long(vec![0, 0, 0, 0, 0, 0, 0, 0x80, 0])
    });
    assert_eq!(root(b"J\xff\xff\xff\xff.").1, Value::Int(-1));
    let (pickle, _) = root(b"ccollections\nOrderedDict\n((lp0\n(lp1\nVk\naI7\naatR.");
    let value = pickle.get(pickle.root(), "k").expect("an entry");
    assert_eq!(pickle.count(value), Some(7));
}

#[test]
fn calls_of_anything_but_containers_are_inert() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let file = dir.path().join("made");
    let command = format!("touch {}", file.display());
    let (short, length) = (command.as_bytes(), command.len() as u8);
    let text = [b"U".as_slice(), &[length], short].concat();
    let calls = [
        [b"cos\nsystem\n(".as_slice(), &text, b"tR."].concat(),
        [b"\x80\x02cposix\nsystem\n", text.as_slice(), b"\x85\x81."].concat(),
        [b"(cos\nsystem\n", text.as_slice(), b"o."].concat(),
        [b"(", text.as_slice(), b"ios\nsystem\n."].concat(),
        [b"\x80\x04\x8c\x02os\x8c\x06system\x93", text.as_slice(), b"\x85}\x92."].concat(),
        [b"cbuiltins\neval\n", text.as_slice(), b"\x85R}b."].concat(),
    ];
    for call in calls {
        let (pickle, value) = root(&call);
        let Value::Object(object) = value else { panic!("{value:?} is not inert") };
        let (_, name) = pickle.global(object.class).expect("a global");
        assert!(name == "system" || name == "eval", "{name}");
        assert_eq!(pickle.sequence(object.args).map(<[Id]>::len), Some(1));
    }
    assert!(!file.exists());
}

#[test]
fn namespaces_keep_their_attributes() {
    let (pickle, value) = root(b"\x80\x02cargparse\nNamespace\n)\x81}U\x02lrK\x05sb.");
    let Value::Object(Object { state: Some(state), .. }) = value else { panic!("{value:?}") };
    assert_eq!(pickle.get(state, "lr").and_then(|id| pickle.count(id)), Some(5));
}

#[test]
fn lengths_beyond_the_file_are_refused() {
    let max = [0xff; 8];
    for code in [0x8d, 0x8e, 0x96] {
        assert!(refused(&[[code].as_slice(), &max, b"abc."].concat()).contains("cut short"));
    }
    for code in [b'X', b'B', b'T', 0x8b] {
        assert!(refused(&[[code].as_slice(), &max[..4], b"abc."].concat()).contains("cut short"));
    }
    assert!(refused(&[b"\x80\x04\x95".as_slice(), &max, b"N."].concat()).contains("frame"));
    assert!(refused(b"I12").contains("cut short"));
    // A memo index is no length.
    assert_eq!(root(b"Nr\xff\xff\xff\xff0j\xff\xff\xff\xff.").1, Value::None);
}

#[test]
fn programs_that_make_no_sense_are_refused() {
    assert!(refused(b".").contains("empty stack"));
    assert!(refused(b"N(0").contains("cut short"));
    assert!(refused(b"N(a.").contains("empty stack"));
    assert!(refused(b"]N(a.").contains("empty stack"), "a mark hides what lies below");
    assert!(refused(b"t.").contains("mark"));
    assert!(refused(b"h\x05.").contains("never stored"));
    assert!(refused(b"}(NNNu.").contains("without a value"));
    assert!(refused(b"NNa.").contains("no list"));
    assert!(refused(b"(o.").contains("no class"));
    assert!(refused(b"N}b.").contains("no object"));
    assert!(refused(b"\x80\x06N.").contains("protocol"));
    assert!(refused(b"\x82\x01.").contains("opcode 0x82"));
    assert!(refused(b"").contains("cut short"));
}

#[test]
fn deep_and_circular_values_cost_no_stack() {
    let depth = 500_000;
    let deep = [b"]".repeat(depth), b"a".repeat(depth - 1), b".".to_vec()].concat();
    drop(root(&deep));
    let deeper = [b"]".repeat(MAX_STACK + 1), b".".to_vec()].concat();
    assert!(refused(&deeper).contains("stacks more"));
    assert!(refused(&b"(".repeat(MAX_STACK + 1)).contains("nests too deep"));
    let (pickle, value) = root(b"]q\x00h\x00a.");
    assert_eq!(value, Value::List(vec![pickle.root()]));
}

#[test]
fn values_that_multiply_stay_within_the_limit() {
    // Shared: each level names the one below it ten times, and costs one value.
    let level = [b"(".as_slice(), &b"h\x00".repeat(10), b"tq\x00"].concat();
    let laughs = [b"Nq\x00".as_slice(), &level.repeat(500), b"."];
    drop(root(&laughs.concat()));
    // Copied: a list of a thousand elements, doubled by calls again and again.
    let list = [b"](".as_slice(), &b"N".repeat(1_000), b"eq\x00cbuiltins\nlist\nq\x010"].concat();
    let copies = b"h\x01h\x00\x85R0".repeat(3_000);
    let bomb = [list, copies, b"N.".to_vec()].concat();
    assert!(refused(&bomb).contains(&format!("more than {MAX_VALUES}")));
    assert!(
        refused(&[b"N0".repeat(MAX_VALUES + 1), b"N.".to_vec()].concat()).contains("more than")
    );
}
