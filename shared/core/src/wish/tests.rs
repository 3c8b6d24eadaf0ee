use super::*;

fn plain(text: &str) -> Wish {
    read(text, &ExtraWords::default())
}

/// Whole messages that anybody would read as stop.
#[rustfmt::skip]
const STOP: &[&str] = &[
    "I want to cancel these texts", "how do I stop these texts", "end all messages", "请停止发送短信", "Hi,\nStop.\nThanks",
    "Unsubscribe. Where is my refund?", "My order never arrived, cancel it and stop texting me",
    // The lists' own words, as they are typed.
    "STOP", "stop", "stop.", "Stop!", "  stop  ", "STOPALL", "STOP ALL", "stop-all", "QUIT", "End", "REVOKE", "cancel",
    "Cancel.", "UNSUBSCRIBE", "OPT OUT", "Opt-Out!", "OPTOUT", "REMOVE", "ARRET", "arrêt", "TD", "\"STOP\"", "'stop'",
    "*STOP*", "(stop)", "STOP 🛑", "🙏stop🙏", "stop texting", "stop texting me", "Stop please", "please stop",
    "Please, stop!!!", "remove me", "take me off", "unsubscribe me", "do not text", "don't text", "don’t text me",
    "dont text me", "don`t text me", "don´t text me", "no more texts", "Leave me alone!", "wrong number",
    "Sorry, wrong number",
    // Width, style, invisible characters, letters apart or held down, typing errors.
    "ＳＴＯＰ", "ｓｔｏｐ！", "𝐒𝐓𝐎𝐏", "𝓼𝓽𝓸𝓹", "Ⓢⓣⓞⓟ", "🅂🅃🄾🄿", "s\u{200b}t\u{200b}o\u{200b}p", "\u{feff}STOP", "ST\u{ad}OP",
    "STOP\u{200d}\u{fe0f}", "\u{202e}STOP\u{202c}", "s\u{301}t\u{301}o\u{301}p\u{301}", "S T O P", "s.t.o.p",
    "S. T. O. P.", "S-T-O-P", "stoppp", "STOOOOP!!", "stpo", "ST0P", "unsubcribe", "un-subscribe", "stop\u{a0}",
    "\u{3000}stop\u{3000}",
    // Said twice, or politely, or with a reason.
    "STOP STOP", "stop stop stop", "Stop pls", "stop thanks", "Hi, stop please", "stop, thank you very much", "ok stop",
    "no stop", "just stop already", "STOP NOW", "STOP - wrong person", "STOP. Wrong number!", "stop unsubscribe",
    "stop! not interested", "cancel please", "no thanks, stop", "yes please stop", "quit stop end",
    "STOP. Who is this?", "Who is this? STOP.", "Stop. I never signed up for this.", "I am not Sarah. Please stop!",
    "STOP\nJohn Smith", "Reply STOP", "stop to end",
    // Footers.
    "STOP\n\nSent from my iPhone", "STOP\r\n\r\nSent from my Samsung Galaxy", "stop Sent from my iPhone",
    "Cancel\nSent from my iPad", "STOP\nOn Mon, 3 Mar 2025 at 10:00, Shop <a@b.c> wrote:\n> Hi Ann, review us?",
    "STOP\n\nOn Mon, 3 Mar 2025 at 10:00\nShop wrote:\nHi Ann, how was your order?", "> Hi Ann, review us\n\nSTOP",
    "End\n-- \nJo", "STOP\n-----Original Message-----\nFrom: a@b.c\nYour order", "Stopp\nVon meinem iPhone gesendet",
    "On Mon, 3 Mar, Shop wrote:\n> How was your order?\nSTOP", "> stop",
    // Longer text.
    "Can you please stop texting me, I have asked twice", "quit messaging me!", "stop contacting this phone",
    "STOP SENDING ME TEXTS ABOUT MY ORDER", "stop sending me these", "please stop with the texts",
    "stop these messages please", "Hi, could you stop sms to this number", "Please do not contact me again",
    "never text me again", "don't ever message us again", "DO NOT TEXT THIS NUMBER", "Stop text me",
    "i asked you not to text me", "stop call me", "take me off your list please",
    "please remove my number from your database", "delete me from this list", "take my number off of this list",
    "remove us from the texts", "I want to unsubscribe", "how do I unsubscribe from this", "how do i opt out?",
    "I'd like to opt out of these", "opting out, thanks", "I opted out already", "no more messages from you, ok?",
    "No More SMS thank you very much indeed", "I can't unsubscribe, the link is broken", "I already unsubscribed!!",
    "please unsubscribe me from everything", "I don't want your texts anymore",
    "I do not wish to receive any more messages", "I no longer want to get these texts", "don't want to be contacted",
    "why won't you stop texting me", "don't send me any more texts", "please do not send messages",
    "I never opted out but please stop texting me", "I said no, I do not. Stop texting me",
    "please lose my number and never come back", "You have the wrong number, I am not Ann", "No I don't, unsubscribe",
    "please stop\ntexting me", "I dont want to hear from you ever", "opt me out please",
    // Other languages.
    "stopp", "Stopp!", "para", "¡Para!", "PARAR", "detener", "cancelar", "BAJA", "no más", "¡Basta!", "alto",
    "No más mensajes", "déjenme en paz", "por favor, no me escriban más", "quiero darme de baja de esta lista",
    "arrêtez", "Arrêter svp", "désabonner", "désinscription", "ne m'envoyez plus de messages", "laissez-moi tranquille",
    "abmelden", "Aufhören!", "abbestellen", "Bitte keine SMS mehr", "lassen Sie mich in Ruhe", "basta", "smettila",
    "fermati", "cancellami", "sair", "SAIR", "pare", "não quero mais receber mensagens", "descadastrar", "afmelden",
    "uitschrijven", "sluta", "avsluta", "slutt", "lopeta", "СТОП", "стоп", "отписаться", "Не пишите мне больше",
    "хватит", "στοπ", "ΔΙΑΚΟΠΗ", "停止", "退订", "退訂", "取消", "停止！", "请不要再发短信。", "別再傳了", "ストップ", "ｽﾄｯﾌﾟ", "配信停止", "やめてください。",
    "もう送らないでください", "중지", "그만", "그만!", "수신거부", "수신 거부", "문자 보내지 마세요", "توقف", "إيقاف", "إلغاء الاشتراك", "הסר", "תפסיקו",
    "dừng", "Dừng lại!", "hủy", "đừng nhắn tin nữa", "หยุด", "ยกเลิก", "berhenti", "iptal", "band karo", "बंद करो",
    "रोको",
];

/// Nothing about being texted.
#[rustfmt::skip]
const NONE: &[&str] = &[
    "stop the order", "please stop my delivery", "cancel my subscription", "I don't want to miss your messages",
    "can't you text me instead of calling", "do not contact the courier", "is this the wrong number?",
    "no text from you", "I had to stop", "", "   ", "\n\n", "\u{200b}", "!!!", "😀", "never got it, please send again",
    "don't send it by courier", "cancel my order", "I'll stop by at 5", "I'll stop by", "end of the month",
    "quit smoking kit", "can't stop using it, love it", "nonstop", "stop by", "how do I cancel", "cancel order 1234",
    "where does it end", "End\nof the month", "Cancel\nmy order", "stop\nby at five",
    "Stop by at 5 and I'll stop in again", "don't stop", "please don't stop", "the bus stop",
    "is it near the bus stop?", "which stop do I get off", "one stop shop", "Where do you stop?",
    "It won't stop beeping", "how do I stop it leaking", "full stop", "weekend", "the end", "cancellation policy?",
    "remove the old battery first", "Can you remove the gift wrapping", "revoke my refund", "quit my job today",
    "I quit smoking", "what time do you end", "could I cancel and reorder", "please cancel my order",
    "Cancel it please", "cancel order", "cancel appointment", "can you cancel?", "end it there",
    "You rock, never stop!", "we can't stop smiling", "YES", "yes please", "no", "No thanks", "No thank you", "nope",
    "ok", "thanks", "thank you!", "Who is this?", "Hi", "start please", "Start the engine", "when do you start",
    "How do I start it", "help me please", "I need help with my order", "more info please", "START START",
    "subscribe to what", "how do I subscribe", "how long does it take me from the station",
    "can you take me from the airport", "the price took me off guard", "you can text me anytime",
    "please text me when it ships", "text me", "call me please", "message me here", "Please send me a text",
    "send it again please", "don't send it again", "do not send the blue one", "never mind",
    "stop the courier at the gate", "Stop 5 on the tram line", "please don't cancel", "Non-stop action", "stopwatch",
    "stopper", "Ended up great", "ending", "quite good", "cancels",
    "Thanks!\n> Hi Ann, review us? Reply STOP to opt out",
    "Great service\nOn Mon, 3 Mar 2025, Shop wrote:\nReply STOP to unsubscribe",
    "Liked “Hi Ann, how was your order? Reply STOP to opt out”",
    "Loved \"Hi Ann, how did we go? Reply STOP to unsubscribe.\"",
    "Disliked “Hi Ann, how did we go? Reply STOP to opt out”",
    "Reacted 👍 to “Hi Ann, how did we go? Reply STOP to opt out”",
    "A aimé « Bonjour Ann, votre avis ? Répondez STOP pour vous désabonner »", "đúng", "Đúng rồi", "取消订单", "取消订单1234",
    "キャンセルポリシーは？", "不要紧", "停车场在哪里", "para mi hermana", "fin de semana", "cancelar mi pedido", "annuler ma commande",
    "Der Bus stoppt hier", "alto y claro", "arrêt de bus", "basta un sì", "Is the wrong number on my order?",
    "I gave you the wrong number for delivery", "I got no text", "did you get my message?", "I didn't get a text",
    "Your texts are great", "delivery at the end of the street", "out of stock?", "opt for the blue one",
    "take off 10%", "TD Bank",
];

/// Against messages, or a stop with a reason to doubt it.
#[rustfmt::skip]
const UNSURE: &[&str] = &[
    "I told you to stop", "how do I stop this", "I would like you to stop", "STOP START", "Cancel\n\nJohn",
    "quit\n\nThanks,\nAnn", "End.\nAnn", "no texts", "STOP I'm not Ann", "can you stop", "We asked that you stop",
    "should I reply STOP?", "stop it", "Stop it!!", "enough already", "enough", "that's enough",
    "why do you keep messaging", "why do you keep texting me", "why do you keep sending me these texts",
    "who is this stop", "stop this", "go away", "not interested", "spam", "Is this spam?", "SCAM", "fuck off",
    "I'm blocking you", "reported", "how did you get my number?", "who gave you my number", "I didn't sign up for this",
    "I never signed up", "too many texts", "stop emailing me", "don't call", "please don't stop texting me",
    "I never opted out", "I didn't mean to unsubscribe", "please don't unsubscribe me", "I don't want to opt out",
    "I unsubscribed by mistake", "why have I been unsubscribed", "how do I opt back in after I opted out",
    "did you stop sending texts?", "you never text me", "why did you stop texting me", "don't text me before 9",
    "don't text me until Friday", "don't call me, text me", "Please don't call me when the parcel arrives",
    "don't stop sending the catalogue", "stop sending it to my old address", "Can I opt out of the shipping insurance",
    "there were no more messages from you",
    "STOP I have told you many times that this is not my phone and I am tired of it", "Stop! I love it",
    "Please stop. My order came already", "ok cancel", "I typed STOP already", "🛑", "🖕", "dur", "huy", "dung", "fin",
    "不要", "いらない", "arrête ça", "exit", "delete", "don't remove me from the list",
    "they said “please stop texting me right now”", "unsubscribing", "when will this stop",
    "does it still keep sending texts", "STOP or I call my lawyer",
];

#[test]
fn the_table_of_phrases() {
    let mut wrong = Vec::new();
    for (wish, phrases) in [(Wish::Stop, STOP), (Wish::None, NONE), (Wish::Unsure, UNSURE)] {
        for phrase in phrases {
            if plain(phrase) != wish {
                wrong.push(format!("{phrase:?}: {:?} and not {wish:?}", plain(phrase)));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn start_and_help_are_whole_messages_only() {
    for text in [
        "START",
        "start",
        "Start!",
        "UNSTOP",
        "Subscribe.",
        "ＳＴＡＲＴ",
        "START\nSent from my iPhone",
        "s\u{200b}tart",
        "> start",
    ] {
        assert_eq!(plain(text), Wish::Start, "{text}");
    }
    for text in ["HELP", "help!", "Help?", "info", "INFO.", "Help\n\nSent from my iPhone"] {
        assert_eq!(plain(text), Wish::Help, "{text}");
    }
    for text in [
        "please start",
        "start texting me",
        "START thanks",
        "S T A R T",
        "startt",
        "YES",
        "yes",
        "resume",
        "help me",
        "HELP HELP",
    ] {
        assert_eq!(plain(text), Wish::None, "{text}");
    }
    // Both at once is no way back in.
    for text in ["START STOP", "stop start", "Start\nSTOP", "unstop. stop", "subscribe, unsubscribe"] {
        assert!(matches!(plain(text), Wish::Stop | Wish::Unsure | Wish::None), "{text}");
    }
    assert_eq!(plain("subscribe, unsubscribe"), Wish::Stop);
}

/// The tables are compared with normal forms: a word in another form would never match.
#[test]
fn every_word_of_the_tables_is_in_normal_form() {
    let tables = [
        words::WORDS,
        words::COMMANDS,
        words::START,
        words::HELP,
        words::COURTESY,
        words::EMPHASIS,
        words::UNSURE,
        words::ANYWHERE,
        words::OTHER_MATTERS,
        words::MESSAGES,
        words::DETERMINERS,
        words::UNACCENTED,
    ];
    let wrong: Vec<_> = tables
        .into_iter()
        .flatten()
        .map(|word| (*word, normalise(word, Accents::Drop)))
        .filter(|(word, normal)| word != normal)
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    for word in words::ACCENTED {
        assert_eq!(*word, normalise(word, Accents::Keep));
    }
}

#[test]
fn no_word_is_in_two_minds() {
    let stop: Vec<_> = words::WORDS.iter().chain(words::COMMANDS).collect();
    for word in
        words::START.iter().chain(words::HELP).chain(words::UNSURE).chain(words::COURTESY).chain(words::EMPHASIS)
    {
        assert!(!stop.contains(&word), "{word}");
    }
    for word in stop {
        assert_eq!(plain(word), Wish::Stop, "{word}");
    }
    for word in words::UNSURE.iter().chain(words::UNACCENTED) {
        assert_eq!(plain(word), Wish::Unsure, "{word}");
    }
    for word in words::COURTESY.iter().chain(words::EMPHASIS).filter(|w| **w != "stp") {
        assert_eq!(plain(word), Wish::None, "{word}");
    }
}

/// A small generator with a fixed seed, so that a failure can be played again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(sides).unwrap()).unwrap()
    }

    fn pick<'t>(&mut self, of: &[&'t str]) -> &'t str {
        of[self.roll(of.len())]
    }
}

/// Punctuation, emoji, case, width, accents and invisible characters do not change what a whole message says.
#[test]
fn decoration_changes_nothing() {
    let around = [
        "",
        " ",
        "!",
        "...",
        "😡",
        "🙏🏽",
        "\n",
        "*",
        "_",
        "(",
        "\u{200b}",
        "\u{feff}",
        " - ",
        "？",
        "。",
        "\t",
        "‼️",
        "👨‍👩‍👧",
        "\u{202e}",
        "~",
        "#",
    ];
    let mut dice = Dice(0x5eed_0001);
    let all = words::WORDS.iter().chain(words::COMMANDS).chain(words::UNSURE).chain(words::START).chain(words::HELP);
    for word in all {
        let wish = plain(word);
        for _ in 0..40 {
            let mut text = String::new();
            for _ in 0..dice.roll(4) {
                text.push_str(dice.pick(&around));
            }
            // Accents on Latin letters only: on others the mark may make another letter.
            for c in word.chars() {
                match dice.roll(5) {
                    0 => text.extend(c.to_uppercase()),
                    1 if c.is_ascii_lowercase() => text.extend(char::from_u32(u32::from(c) + 0xfee0)),
                    2 if c.is_ascii_alphabetic() => text.extend([c, '\u{301}']),
                    3 => text.extend([c, '\u{200d}']),
                    _ => text.push(c),
                }
            }
            for _ in 0..dice.roll(4) {
                text.push_str(dice.pick(&around));
            }
            assert_eq!(plain(&text), wish, "{word:?} as {text:?}");
        }
    }
}

#[test]
fn courtesy_around_a_stop_changes_nothing() {
    for word in words::WORDS.iter().chain(words::COMMANDS) {
        for courtesy in words::COURTESY {
            for text in [format!("{word} {courtesy}"), format!("{courtesy}, {word}!")] {
                assert_eq!(plain(&text), Wish::Stop, "{text}");
            }
        }
    }
}

/// Any text has an answer, and the same one each time; normal form is a fixed point.
#[test]
fn no_text_is_too_strange() {
    let mut dice = Dice(0x5eed_0002);
    let pieces = [
        "stop",
        "don't",
        " ",
        "\n",
        "> ",
        "\"",
        "“",
        "”",
        "«",
        "On x wrote:",
        "opt",
        "out",
        "text",
        "me",
        ".",
        "\u{301}",
        "ﷺ",
        "İ",
        "ẞ",
        "\u{3099}",
        "가",
        "ｶﾞ",
        "\u{200d}",
        "🏴\u{e0067}\u{e007f}",
        "\r",
        "--",
        "\u{0}",
        "ﬃ",
        "unsubscribe",
        "never",
        "-----",
        "From: a@b",
        "sent from my x",
        "no more",
    ];
    for round in 0..6_000 {
        let mut text = String::new();
        for _ in 0..dice.roll(40) {
            if round % 2 == 0 {
                text.push_str(dice.pick(&pieces));
            } else {
                text.extend(u32::try_from(dice.roll(0x11_0000)).ok().and_then(char::from_u32));
            }
        }
        assert_eq!(plain(&text), plain(&text), "{text:?}");
        for accents in [Accents::Drop, Accents::Keep] {
            let normal = normalise(&text, accents);
            assert_eq!(normalise(&normal, accents), normal, "{text:?}");
            assert!(!normal.contains("  ") && normal.trim() == normal, "{text:?}");
        }
    }
}

/// The bound is in characters, so no text is cut within one, and what is beyond it costs nothing.
#[test]
fn only_the_first_2000_characters_are_read() {
    for filler in ["é ", "字 ", "a "] {
        let before = |chars: usize| filler.repeat(chars / 2);
        assert_eq!(plain(&format!("{}stop texting me", before(1_984))), Wish::Stop);
        assert_eq!(plain(&format!("{}stop texting me", before(1_990))), Wish::None);
    }
    assert_eq!(plain(&format!("{}STOP", " ".repeat(5_000))), Wish::Stop);
}

/// Hostile texts, some beyond the bound. Nothing here measures time, and nothing has to: a step that were quadratic in
/// these thirty thousand words would take minutes, which nobody overlooks.
#[test]
fn time_is_linear_in_the_length() {
    let pieces = [
        "stop ",
        "dont ",
        "\"",
        "“a ",
        "\n",
        "> ",
        "opt ",
        "\u{301}",
        "ﷺ",
        "stop.",
        "no more of ",
        "sent from my \n",
        "On \n",
        "never ever ",
        "-",
        "take me ",
        "a",
        "i dont want to ",
        "stop the ",
    ];
    for piece in pieces {
        let text = piece.repeat(30_000);
        let _ = plain(&text);
        let _ = read_own_words(&without_footer(&text), &ExtraWords::default());
        let _ = without_quotations(&text);
    }
}

#[test]
fn extra_words_are_whole_messages() {
    let extra = ExtraWords::parse("Ez Elég, NO-MORE  Promos,ez elég").unwrap();
    assert_eq!(extra.0, ["ez eleg", "no more promos"]);
    for text in ["ez elég", "EZ ELEG!!", "no more promos", "No\nMore\nPromos"] {
        assert_eq!(read(text, &extra), Wish::Stop, "{text}");
        assert_ne!(plain(text), Wish::Stop, "{text}");
    }
    assert_eq!(read("ez elég volt nekem", &extra), Wish::None);
    assert_eq!(read("stop", &extra), Wish::Stop);
    for blank in ["", "  "] {
        assert_eq!(ExtraWords::parse(blank), Ok(ExtraWords::default()));
    }
}

#[test]
fn a_bad_extra_word_is_named() {
    let long = "x".repeat(41);
    for (setting, says) in [
        ("a,,b", "stop word 2 is empty"),
        ("a,", "stop word 2 is empty"),
        (",", "stop word 1 is empty"),
        ("a, !!", "stop word 2 (\"!!\") has no letter or digit"),
        ("\u{200b}", "stop word 1 (\"\u{200b}\") has no letter or digit"),
        ("no, Start!", "stop word 2 (\"Start!\") is the word that asks for messages again"),
        ("ＵＮＳＴＯＰ", "stop word 1 (\"ＵＮＳＴＯＰ\") is the word that asks for messages again"),
        ("Info", "stop word 1 (\"Info\") is the word that asks for help"),
    ] {
        assert_eq!(ExtraWords::parse(setting), Err(says.to_owned()), "{setting:?}");
    }
    assert!(ExtraWords::parse(&long).unwrap_err().contains("is longer than 40 characters"));
    assert!(ExtraWords::parse(&long[1..]).is_ok());
    assert!(ExtraWords::parse(&"é".repeat(40)).is_ok());
    let many = |n: usize| (0..n).map(|i| format!("w{i}")).collect::<Vec<_>>().join(",");
    assert!(ExtraWords::parse(&many(100)).is_ok());
    assert_eq!(ExtraWords::parse(&many(101)), Err("there are more than 100 stop words".to_owned()));
}
