// Every sentence that the form and the chat say by themselves, in one place: change them, or translate them. What is wrong
// with an entry is said by the server, except for what is found before anything is sent.

const plural = (count, one, many) => `${count} ${count === 1 ? one : many}`;

/** "in 20 seconds", "in 3 minutes"; "in a moment", when the server did not say. */
export function soon(seconds) {
  if (seconds === null || seconds === undefined) return "in a moment";
  const whole = Math.max(1, Math.ceil(seconds));
  return whole < 90 ? `in ${plural(whole, "second", "seconds")}` : `in ${Math.ceil(whole / 60)} minutes`;
}

/** "812 kB", "25.1 MB", counted as the limit is: a MB is 1,048,576 bytes. Rounded up, so that no size hides that it is over. */
export function size(bytes) {
  if (bytes < 1024) return plural(bytes, "byte", "bytes");
  if (bytes < 1024 * 1024) return `${Math.ceil(bytes / 1024)} kB`;
  return `${Math.ceil((bytes / 1024 / 1024) * 10) / 10} MB`;
}

export const words = {
  form: {
    loading: "One moment, the form is loading …",
    notLoaded: "The form could not be loaded. Check your connection, and try again.",
    tryAgain: "Try again",
    store: "Store",
    storeHint: "The people of this store read your message.",
    chooseStore: "Choose a store",
    name: "Your name",
    phone: "Mobile number",
    phoneHint: "Choose a store to write the number as you do at home; or begin with + and the country code.",
    phoneHintOf: (country, code) => `A number of ${country} as you write it at home, or any number with + (${code} …).`,
    checking: "Checking the number …",
    phoneIs: "We will reach you at",
    phoneIsRight: "Is that right? If not, change it.",
    phoneNoText: "A text cannot get there. If you have a mobile number, please give that one.",
    notChecked: "The number could not be checked just now. It is checked again when you send.",
    email: "E-mail",
    optional: "(if you like)",
    message: "Your message",
    left: (count) => `${plural(count, "character", "characters")} left`,
    files: "Pictures or files",
    filesHint: (count, bytes, inSum) =>
      `Up to ${plural(count, "file", "files")}, ${size(bytes)} ${inSum ? "together" : "each"}. They are checked before anything is sent.`,
    send: "Send message",
    sending: "Sending …",
    waitingForFiles: "Your files are still on their way; the message goes with them.",
    look: "Please look at the marked fields.",
    fileFailed: "A file could not be sent. Try it again, or remove it.",
    required: {
      location_uid: "Please choose a store: each has its own people, and none is the default.",
      name: "Please tell us your name.",
      phone: "Please give a number at which we can reach you.",
      text: "Please write a message, or attach a file.",
    },
    nameLong: (most) => `Please keep the name to ${most} characters.`,
    textLong: (most) => `Please keep the message to ${most} characters.`,
    emailOdd: "This does not look like an e-mail address.",
    sent: (name) => `Thank you, ${name}. We have your message.`,
    sentTo: (store, phone) => `The people of ${store} will answer to ${phone}.`,
    already: "We had it already: nothing was sent twice.",
    optedOut: "You will get no more texts from us.",
    optedOutMore: (phone) => `That holds for ${phone}, in every store. Text START to us if you want to hear from us again.`,
    kept: "We have your message.",
    another: "Write another message",
    tooMany: (seconds) => `That were many requests in a short time. Please send it again ${soon(seconds)}.`,
    now: "You can send it now.",
    notKept: (seconds) =>
      `We could not keep your message. Please press Send again ${soon(seconds)}; it will not arrive twice.`,
    noAnswer: "We could not be reached. Check your connection and press Send again; it will not arrive twice.",
    refused: "The message was not taken. Please reload the page, and try again.",
  },
  file: {
    tooLarge: (name, bytes, most) => `${name} has ${size(bytes)}; up to ${size(most)} can be sent.`,
    tooLargeTogether: (bytes, most) => `The files have ${size(bytes)} together; up to ${size(most)} can be sent.`,
    tooMany: (most) => `Up to ${plural(most, "file", "files")} can be sent with a message.`,
    wrongType: (name) => `${name} is of a kind that we cannot take.`,
    empty: (name) => `${name} is empty.`,
    waiting: "checking …",
    uploading: (percent) => `uploading, ${percent} %`,
    ready: "attached",
    failed: "not sent",
    noAnswer: "It could not be uploaded. Check your connection.",
    isReady: (name) => `${name} is attached.`,
    removed: (name) => `${name} was removed.`,
    removeShort: "Remove",
    remove: (name) => `Remove ${name}`,
    again: (name) => `Try ${name} again`,
  },
  hours: {
    open: "Open now",
    closed: "Closed now",
    all: "All opening hours",
    days: { mon: "Monday", tue: "Tuesday", wed: "Wednesday", thu: "Thursday", fri: "Friday", sat: "Saturday", sun: "Sunday" },
    closedThatDay: "closed",
    zone: (zone) => `Times of ${zone.replaceAll("_", " ")}.`,
  },
  chat: {
    open: "Chat with us",
    close: "Close the chat",
    title: (shop) => `Chat with ${shop}`,
    greeting: "Hello! What can we do for you?",
    you: "You",
    prompt: "Your message",
    placeholder: "Write a message",
    send: "Send",
    pending: (shop) => `${shop} is writing …`,
    tooLong: (most) => `Please keep it to ${most} characters.`,
    nothing: "Sorry, I couldn't process that.",
    choose: "Choose an option below or type your own message:",
    interactive: (content) => `Interactive content: ${content}`,
    learnMore: "Learn More",
    newTab: "(opens in a new tab)",
    tooMany: (seconds) => `You have sent many messages. Please try again ${soon(seconds)}.`,
    noAnswer: "We could not be reached. Check your connection, and try again.",
    failed: "Sorry, something went wrong on our side. Please try again.",
    again: "Try again",
  },
  answer: {
    submit: "Submit",
    submitting: "Submitting …",
    choose: "Please choose",
    required: (label) => `${label} is required.`,
    email: "This does not look like an e-mail address.",
    pattern: "This does not have the expected form.",
    look: "Please look at the marked fields.",
    done: "Form submitted successfully!",
    failed: "Failed to submit form. Please try again.",
    tooMany: (seconds) => `Too many requests. Please try again ${soon(seconds)}.`,
    noAddress: "This form cannot be submitted.",
  },
};
