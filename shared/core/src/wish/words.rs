//! The words, all in normal form (a test holds them to it): lower case, no accents, no apostrophes, one space.
//!
//! Sources: the FCC's list of words that revoke consent per se (47 CFR 64.1200(a)(10): stop, quit, end, revoke, opt out,
//! cancel, unsubscribe), the default keywords of Twilio, Telnyx and AWS End User Messaging, and, for "any reasonable
//! means", what a reasonable person would read as the same in other languages.

/// Stop as a whole message, and too common a word to mean it within one: "cancel my order", "end of the month".
#[rustfmt::skip]
pub(super) const WORDS: &[&str] = &[
    // English: the FCC's, Twilio's and AWS's lists, and their like.
    "quit", "end", "revoke", "cancel", "remove", "td", "halt", "cease", "desist", "cease and desist", "no more",
    "cancel all", "quit all", "end all", "delete me", "stop2end", "stop2quit",
    // Spanish
    "alto", "basta", "basta ya", "para", "pare", "paren", "parar", "detener", "detente", "detenga", "detengan",
    "cancelar", "cancela", "cancele", "cancelen", "baja", "no mas", "cesar", "eliminar", "suspender",
    // French
    "arret", "arreter", "arrete", "arretez", "arretes", "annuler", "assez", "ca suffit",
    // German; "kündigen" and "stornieren" speak of contracts and orders.
    "aufhoren", "abmelden", "abmeldung", "abbestellen", "austragen", "schluss", "schluss damit",
    // Italian
    "ferma", "fermati", "fermatevi", "smetti", "smettila", "smettetela", "smettere", "annulla", "annullare",
    "cancellami", "rimuovi", "rimuovimi",
    // Portuguese; SAIR and SAIA are what Brazilian senders ask for.
    "sair", "saia", "parem", "chega", "remover", "remova", "interromper",
    // Dutch
    "stoppen", "afmelden", "uitschrijven", "annuleren", "opzeggen", "ophouden", "hou op",
    // Danish, Norwegian, Swedish, Finnish
    "slutt", "sluta", "avslutt", "avsluta", "avregistrera", "avmeld", "afmeld", "frameld", "lopeta", "peruuta",
    // Polish, Czech, Slovak, Hungarian, Romanian
    "rezygnuje", "anuluj", "wypisz", "przestan", "przestancie", "zrusit", "odhlasit", "prestan", "prestante",
    "leiratkozas", "leiratkozom", "opreste", "opriti", "dezabonare", "anuleaza",
    // Turkish
    "iptal", "durdur", "ret",
    // Russian, Ukrainian, Greek
    "стоп", "отписаться", "отписка", "отпишите", "отмена", "прекратите", "прекрати", "хватит", "остановите",
    "вiдписатися", "відписатися", "скасувати", "досить", "припинiть", "στοπ", "σταματηστε", "σταματα", "διακοπη",
    "ακυρωση", "διαγραφη",
    // Chinese. 取消 alone is "cancel"; with an object it is not this message.
    "停止", "停", "退订", "退訂", "取消", "拒收", "取消订阅", "取消訂閱", "td退订", "退订td", "解除订阅",
    // Japanese
    "ストップ", "配信停止", "解除", "配信解除", "登録解除", "退会", "やめて", "止めて", "やめろ", "キャンセル",
    // Korean
    "중지", "그만", "정지", "수신거부", "수신 거부", "취소", "해지", "거부", "스톱", "스탑", "멈춰",
    // Arabic, Hebrew, Persian
    "توقف", "ايقاف", "اوقف", "اوقفوا", "قف", "كفي", "كفى", "الغاء", "الغاء الاشتراك", "הסר", "הסרה", "הסירו", "עצור",
    "תפסיקו", "لغو",
    // Vietnamese, Thai, Indonesian, Malay, Tagalog, Hindi
    "huy dang ky", "huy bo", "ngung gui", "หยด", "ยกเลก", "berhenti", "berhenti berlangganan", "batal", "henti",
    "hentikan", "tigil", "itigil", "ihinto", "tama na", "band karo", "बद करो", "बद कर", "रोको",
];

/// Stop as a whole message where the accents count ([`super::text::Accents::Keep`]): without them `dừng` is `đúng`, "yes".
pub(super) const ACCENTED: &[&str] = &["dừng", "dừng lại", "ngừng", "ngừng lại", "hủy", "huỷ"];

/// The same as people type them without accents; then they may be other words, so they are [`UNSURE`].
pub(super) const UNACCENTED: &[&str] = &["dung", "dung lai", "ngung", "ngung lai", "huy"];

/// Stop, and as clear when it is one sentence among others: "STOP. You have the wrong person."
#[rustfmt::skip]
pub(super) const COMMANDS: &[&str] = &[
    "stop", "stopp", "stopall", "stop all", "stop everything", "unsubscribe", "unsub", "un subscribe", "desubscribe",
    "unsubscribe me", "unsubscribe all", "unsubscribed", "optout", "opt out", "opt me out", "opting out", "opted out",
    "i opt out",
    // Typing errors of the same.
    "stpo", "sotp", "sto p", "st op", "s top", "stoip", "stiop", "stopo", "st0p", "tsop", "stopit", "unsubcribe",
    "unsuscribe", "unsubscibe", "unsubscrib", "unsubsribe", "unsubscirbe", "unsubscride", "unsubscrive", "unsusbcribe",
    "unsubscript", "optoutt", "opt ou", "stop msg", "stop msgs",
    // As our own line asks for it, typed whole.
    "reply stop", "text stop", "txt stop", "send stop", "stop to end", "stop to opt out", "stop to unsubscribe",
    "reply stop to opt out", "stop 2 end", "stop to stop", "stop to quit", "stop to cancel",
    // Whole sentences.
    "stop texting", "stop texting me", "stop txting me", "stop messaging", "stop messaging me", "stop contacting me",
    "stop please", "please stop", "stop the texts", "stop the messages", "stop texts", "stop messages",
    "stop calling me", "stop bothering me", "stop harassing me", "stop spamming me", "remove me", "remove my number",
    "delete my number", "take me off", "take me off your list", "take me off this list", "take me off the list",
    "take my number off", "get me off this list", "get me off your list", "remove me from list", "remove from list",
    "remove number", "remove this number", "delete this number", "lose my number", "lose this number",
    "forget my number", "do not text", "dont text", "don t text", "dont text me", "do not text me", "do not message",
    "dont message", "do not contact", "dont contact", "do not contact me", "dont contact me", "do not message me",
    "dont message me", "no texting", "no more texts", "no more messages", "no more sms", "no more msgs",
    "no more texting", "no more messaging", "leave me alone", "leave us alone", "leave me be", "i want to stop",
    "i want out",
    // A number that reached the wrong person never consented.
    "wrong number", "wrong person", "wrong nbr", "wrong num", "you have the wrong number", "you have the wrong person",
    "you have wrong number", "you got the wrong number", "you got the wrong person", "this is the wrong number",
    "this is a wrong number", "its the wrong number", "sorry wrong number", "numero equivocado", "mauvais numero",
    "falsche nummer", "numero sbagliato", "numero errado", "verkeerd nummer",
    // Spanish
    "no mas mensajes", "no mas textos", "no mas sms", "no mas mensajes de texto", "no me escriban", "no me escribas",
    "no me escriba", "no me escriban mas", "no molestar", "no molesten", "no moleste", "no me molesten",
    "no enviar mas", "no envien mas", "no me envien mas", "no me envies mas", "no quiero mas mensajes",
    "no quiero mensajes", "no quiero recibir mensajes", "no quiero recibir mas mensajes", "deja de escribirme",
    "dejen de escribirme", "dejame en paz", "dejenme en paz", "deja de enviarme mensajes", "dejen de enviarme mensajes",
    "darme de baja", "dame de baja", "deme de baja", "denme de baja", "quiero darme de baja", "dar de baja",
    "cancelar suscripcion", "quitame de la lista", "quiteme de la lista", "quitenme de la lista", "borrame de la lista",
    "eliminarme", "borrame",
    // French
    "deja de molestarme", "dejen de molestarme", "ya no quiero mensajes", "ya no quiero mas mensajes", "stop sms",
    "desabonner", "desabonnez moi", "me desabonner", "desabonnement", "desinscrire", "desinscription", "me desinscrire",
    "desinscrivez moi", "desinscris moi", "plus de sms", "plus de messages", "plus de textos", "arretez les sms",
    "arretez les messages", "ne menvoyez plus de messages", "ne menvoyez plus de sms", "ne menvoyez plus rien",
    "ne mecrivez plus", "ne me contactez plus", "laissez moi tranquille", "arretez de mecrire",
    "arretez de menvoyer des messages", "arretez de menvoyer des sms", "supprimez mon numero", "retirez mon numero",
    // German
    "nicht mehr schreiben", "keine sms mehr", "keine nachrichten mehr", "keine weiteren nachrichten",
    "schreiben sie mir nicht mehr", "schreib mir nicht mehr", "lasst mich in ruhe", "lass mich in ruhe",
    "lassen sie mich in ruhe", "horen sie auf", "hor auf", "nummer loschen", "bitte loschen sie meine nummer",
    "loschen sie meine nummer", "ich mochte keine nachrichten mehr", "ich mochte mich abmelden", "melden sie mich ab",
    // Italian
    "basta messaggi", "basta sms", "disiscrivi", "disiscrivimi", "disiscriviti", "disiscrivermi", "disiscrizione",
    "cancellatemi", "non scrivetemi piu", "non scrivermi piu", "non mandatemi piu messaggi", "lasciatemi in pace",
    "lasciami in pace", "smettetela di scrivermi", "smettila di scrivermi", "non contattatemi piu",
    // Portuguese
    "descadastrar", "descadastre me", "me descadastre", "cancelar inscricao", "cancelar subscricao",
    "nao quero mais mensagens", "nao quero mais receber", "nao quero receber mensagens",
    "nao quero mais receber mensagens", "pare de me mandar mensagem", "parem de me mandar mensagem",
    "pare de mandar mensagem", "parem de mandar mensagens", "nao me mande mais mensagem",
    "nao me mandem mais mensagens", "nao me envie mais mensagens", "me deixe em paz", "remover meu numero",
    "numero errado",
    // Dutch and the north
    "geen sms meer", "geen berichten meer", "stuur me geen berichten meer", "stop met sms", "stop met berichten",
    "schrijf me uit", "laat me met rust", "inga fler sms", "inga fler meddelanden", "sluta skicka", "sluta skicka sms",
    "ingen flere sms", "ingen flere beskeder", "ikke flere sms", "stop med at skrive", "slutt a sende",
    "slutt a sende meldinger", "ala laheta", "ei enaa viesteja",
    // Polish, Turkish, Russian, Ukrainian, Greek
    "wypisz mnie", "nie pisz do mnie", "prosze nie pisac", "nie piszcie do mnie", "mesaj atmayin", "mesaj gondermeyin",
    "sms gondermeyin", "не пишите", "не пишите мне", "не пиши мне", "не пишите мне больше", "больше не пишите",
    "отпишите меня", "удалите мои номер", "не беспокоить", "не беспокоите", "не пишiть менi", "не пишіть мені",
    "μη μου στελνετε", "μην μου στελνετε", "μην στελνετε",
    // Chinese
    "请停止", "请停止发送", "请停止发送短信", "我不要再收到短信", "不要再給我發短信", "不要再给我发信息", "請停止", "停止发送", "停止發送", "停止发短信", "不要发了", "不要發了",
    "别发了", "別發了", "别再发了", "別再發了", "不要再发", "不要再发了", "不要再發", "不要再發了", "请不要再发", "请不要再发了", "不要再发短信", "请不要再发短信", "不要再发信息",
    "不要给我发短信", "不要再给我发短信", "不要再傳", "不要再傳了", "別再傳了", "不要再傳簡訊", "别再发短信了", "不要打扰", "请勿打扰", "請勿打擾", "别烦我", "不要烦我", "我要退订",
    "我要退訂",
    // Japanese
    "停止して", "停止してくたさい", "停止してください", "やめてください", "やめて下さい", "止めてください", "止めて下さい", "もう送らないで", "もう送らないてください", "もう送らないでください",
    "送らないで", "送らないでください", "送らないて下さい", "送らないで下さい", "配信停止してください", "配信を停止してください", "配信停止希望", "配信停止お願いします", "連絡しないでください",
    "もう連絡しないでください", "メールしないでください", "メッセージを送らないでください",
    // Korean
    "그만해", "그만해요", "그만하세요", "그만해주세요", "그만 보내", "그만 보내세요", "그만보내세요", "그만 보내주세요", "보내지 마", "보내지 마세요", "보내지마세요",
    "문자 보내지 마세요", "문자보내지마세요", "문자 그만 보내세요", "문자 그만", "연락하지 마세요", "연락하지마세요", "수신거부 합니다",
    // Arabic, Hebrew
    "لا ترسلوا", "لا ترسل", "لا ترسل لي", "لا ترسلوا لي رسايل", "توقفوا", "توقف عن المراسله", "لا تراسلني",
    "لا تراسلوني", "ازالتي", "הסירו אותי", "תסירו אותי", "הסר אותי", "תפסיקו לשלוח", "תפסיקו לשלוח לי הודעות",
    "אל תשלחו לי הודעות", "די לשלוח",
    // Vietnamese, Indonesian, Malay, Tagalog, Hindi
    "dung nhan tin", "dung nhan tin nua", "dung nhan tin cho toi", "dung gui tin nhan", "dung gui tin nhan nua",
    "dung gui nua", "ngung nhan tin", "ngung gui tin nhan", "khong nhan tin nua", "khong gui tin nhan nua",
    "xin dung nhan tin", "dung lam phien", "jangan kirim lagi", "jangan kirim sms lagi", "jangan hubungi saya",
    "jangan hubungi saya lagi", "jangan sms saya", "berhenti kirim pesan", "jangan hantar lagi", "wag na mag text",
    "wag na kayong mag text", "huwag na mag text", "message mat karo", "message mat bhejo", "msg mat bhejo",
    "mat bhejo",
];

/// Whole messages that ask for texts again. Exact, because a wrong "yes" texts somebody who said no.
pub(super) const START: &[&str] = &["start", "unstop", "subscribe"];

/// Whole messages that ask who we are.
pub(super) const HELP: &[&str] = &["help", "info"];

/// Said around a wish without changing it.
#[rustfmt::skip]
pub(super) const COURTESY: &[&str] = &[
    "please", "pls", "plz", "plse", "pleas", "pleae", "thanks", "thank you", "thank you very much", "thanks very much",
    "many thanks", "thankyou", "thx", "tks", "ty", "tnx", "tx", "ta", "cheers", "hi", "hi there", "hello", "hey",
    "dear sir", "kindly", "mate", "sir", "madam", "maam", "guys", "team", "regards", "kind regards", "sorry",
    "no thanks", "no thank you", "no thankyou", "por favor", "gracias", "porfa", "merci", "svp", "stp",
    "sil vous plait", "sil te plait", "bitte", "danke", "grazie", "per favore", "obrigado", "obrigada", "alsjeblieft",
    "aub", "tack", "takk", "tak", "пожалуиста", "спасибо", "sent from my iphone", "sent from my ipad",
    "sent from my android", "sent from my phone",
];

/// Said around a clear wish for emphasis. Around a bare word such as `cancel` it may be an answer: "ok cancel".
#[rustfmt::skip]
pub(super) const EMPHASIS: &[&str] = &[
    "now", "right now", "already", "immediately", "at once", "asap", "today", "just", "ok", "okay", "yes", "yeah",
    "yep", "no", "nope", "i said", "i say", "again", "forever", "and", "anymore", "any more", "omfg", "ffs", "wtf",
    "bro", "dude", "man",
];

/// Short, and against the messages, yet no clear stop: a person reads it, and nothing automatic is sent meanwhile.
#[rustfmt::skip]
pub(super) const UNSURE: &[&str] = &[
    "stop it", "stop this", "stop that", "stop doing this", "stop doing that", "make it stop", "just stop it",
    "when will this stop", "enough", "enough already", "thats enough", "enough is enough", "had enough",
    "ive had enough", "knock it off", "cut it out", "quit it", "give it a rest", "go away", "get lost", "piss off",
    "bugger off", "fuck off", "f off", "fk off", "fuck you", "shut up", "leave me", "spam", "this is spam",
    "is this spam", "spammer", "spammers", "scam", "this is a scam", "is this a scam", "scammer", "scammers",
    "harassment", "this is harassment", "reported", "reported as spam", "report spam", "im reporting you",
    "i will report you", "ill report you", "reporting you", "blocked", "block", "blocking you", "im blocking you",
    "youre blocked", "you are blocked", "i will block you", "ill block you", "not interested", "im not interested",
    "i am not interested", "not interested at all", "do not disturb", "dnd", "do not call", "dont call",
    "dont call me again", "dont bother", "dont bother me", "do not bother me", "dont bother me again", "dont email me",
    "do not email me", "no emails", "no more emails", "stop emailing me", "stop calling", "annoying", "so annoying",
    "this is annoying", "very annoying", "youre annoying", "you are annoying", "how did you get my number",
    "how did you get this number", "where did you get my number", "where did you get this number",
    "who gave you my number", "who gave you this number", "i didnt sign up for this", "i did not sign up for this",
    "i never signed up", "i never signed up for this", "didnt sign up", "i didnt subscribe", "i did not subscribe",
    "i never subscribed", "i didnt ask for this", "i did not ask for this", "i never agreed to this", "never signed up",
    "too many texts", "too many messages", "why are you texting me", "why are you messaging me",
    "why are you contacting me", "why do you text me", "no consent", "i dont consent", "i do not consent",
    "i never consented", "exit", "abort", "leave", "delete", "discontinue", "block me", "cancel me",
    // Perhaps "none came".
    "no texts", "no sms", "no messages", "keine sms", "keine nachrichten", "geen sms", "pas de sms", "nao quero mais",
    "no quiero mas",
    // Words that mean stop, and something harmless as well: French "hard", Spanish and French "end", Polish and German "end",
    // Spanish "leave", Japanese and Chinese "no need", German "terminate".
    "dur", "fin", "koniec", "ende", "salir", "不要", "不用", "いらない", "いりません", "不要です", "kundigen", "kundigung", "stornieren",
    "genug", "stp", "genoeg", "ya basta de mensajes", "arrete ca", "arretez ca", "basta cosi", "dosyc",
];

/// Clear wherever they stand in a longer text.
#[rustfmt::skip]
pub(super) const ANYWHERE: &[&str] = &[
    "leave me alone", "lose my number", "lose this number", "delete my number", "remove my number",
    "take me off your list", "take me off this list", "take me off the list", "get me off this list",
    "get me off your list", "you have the wrong number", "you have the wrong person", "you got the wrong number",
    "you got the wrong person", "this is the wrong number", "un subscribe", "no me envien mas", "no me envies mas",
    "no me manden mas", "no me mandes mas", "no me escriban mas", "no me escribas mas", "deja de enviarme",
    "dejen de enviarme", "deja de escribirme", "dejen de escribirme", "deja de mandarme", "dejen de mandarme",
    "no quiero mas mensajes", "no quiero recibir mensajes", "no quiero recibir mas mensajes", "darme de baja",
    "denme de baja", "no mas mensajes", "ne menvoyez plus", "ne mecrivez plus", "ne me contactez plus",
    "arretez de menvoyer", "arretez de mecrire", "me desabonner", "desabonnez moi", "me desinscrire",
    "keine nachrichten mehr", "keine sms mehr", "schreiben sie mir nicht mehr", "non scrivetemi piu",
    "non mandatemi piu", "smettetela di scrivermi", "basta messaggi", "nao quero mais receber", "nao me mande mais",
    "nao me mandem mais", "nao me envie mais", "nao me enviem mais", "parem de me mandar", "pare de me mandar",
    "geen berichten meer", "geen sms meer", "не пишите мне больше", "больше не пишите", "отпишите меня",
];

/// Words of orders, products and joy. With them a stop that is not about messages is likely another matter.
#[rustfmt::skip]
pub(super) const OTHER_MATTERS: &[&str] = &[
    "order", "orders", "ordered", "ordering", "delivery", "deliver", "delivered", "deliveries", "delivering", "courier",
    "couriers", "driver", "parcel", "parcels", "package", "packages", "shipping", "ship", "shipped", "shipment",
    "tracking", "refund", "refunds", "refunded", "return", "returns", "returned", "exchange", "invoice", "receipt",
    "payment", "pay", "paid", "charging", "charged", "charge", "card", "checkout", "cart", "price", "size", "sizes",
    "colour", "color", "item", "items", "product", "products", "kit", "box", "stock", "sale", "discount", "appointment",
    "booking", "booked", "pickup", "collect", "address", "subscription", "warranty", "insurance", "protection",
    "signature", "machine", "engine", "battery", "app", "website", "store", "shop", "email", "emails", "bus", "train",
    "tram", "smoking", "beeping", "working", "leaking", "love", "loved", "loving", "amazing", "beautiful", "gorgeous",
    "great", "obsessed", "laughing", "smiling", "crying", "cute", "perfect", "catalogue", "catalog", "catalogues",
    "installation", "install", "gift", "wrapping",
];

/// What one of our messages is called.
#[rustfmt::skip]
pub(super) const MESSAGES: &[&str] = &[
    "text", "texts", "txt", "txts", "message", "messages", "msg", "msgs", "sms", "smses", "spam", "texting",
    "messaging", "notification", "notifications", "alerts", "reminders", "promos",
];

/// Stands before such a name.
#[rustfmt::skip]
pub(super) const DETERMINERS: &[&str] = &[
    "the", "these", "this", "those", "your", "any", "all", "more", "of", "such", "so", "many", "further", "anymore",
    "marketing", "promo", "promotional", "automated", "auto", "review", "stupid", "annoying", "fucking", "damn",
    "bloody", "unwanted", "unsolicited", "random", "with", "me", "us", "out", "my", "text", "sms", "no",
];
