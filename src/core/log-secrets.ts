const censor = "[secret]";

/** Names under which secrets stand, whatever comes before: `x-api-key`, `clientSecret`, `refresh_token`. */
const names = "authorization|api[-_]?key|token|passwords?|passphrase|secrets?|cookie|private[-_]?key|credentials?";

/** A member of a JSON object, and one of an object that was written into a text. */
const member = new RegExp(String.raw`("[\w-]*(?:${names})":\s*)"(?:[^"\\]|\\.)*"`, "gi");
const writtenMember = new RegExp(String.raw`(\\"[\w-]*(?:${names})\\":\s*)\\"(?:[^"\\]|\\\\\\"|\\\\\\\\|\\\\[^"\\])*\\"`, "gi");

/** A member that is no text: a list of cookies, an object of credentials, a number. */
const secretName = new RegExp(`(?:${names})$`, "i");
const otherMember = new RegExp(String.raw`"[\w-]*(?:${names})":\s*[[{\d-]`, "i");

/** A word begins here, also at the start of a line: the line feed stands in JSON as `\n`. */
const begin = String.raw`(?:(?<=\\[nrtbf])|\b)`;

/** As in the query of an address and in `password=hush`. */
const assigned = new RegExp(String.raw`((?:(?<=\\[nrtbf])|(?<![\w.-]))[\w.-]*(?:${names})=)(?:\\?["'])?[^\s&"'\\,;)}]+`, "gi");

const word = (text: string, flags = "g"): RegExp => new RegExp(begin + text, flags);

/** What is a secret by its form: headers, keys of well-known services, signed tokens, the user part of an address. */
const forms: readonly (readonly [RegExp, string])[] = [
  [word(String.raw`(Bearer|Basic) +[\w.~+/-]{6,}=*`, "gi"), `$1 ${censor}`],
  [
    word(
      String.raw`((?:proxy-)?authorization|(?:[a-z]+-){0,3}api-key): *(?!Bearer |Basic |\[secret\])(?:(?:Digest|Token|ApiKey|Negotiate) +)?[^\s"\\]+`,
      "gi",
    ),
    `$1: ${censor}`,
  ],
  [word(String.raw`((?:set-)?cookie): *[^\s"\\=]+=[^"\\]*`, "gi"), `$1: ${censor}`],
  [word(String.raw`sk-[\w-]{12,}`), censor],
  [word(String.raw`whsec_[\w+/=-]{12,}`), censor],
  [word(String.raw`(?:gh[pousr]_|github_pat_|hf_|gsk_|glpat-|xox[abeoprs]-)[\w-]{16,}`), censor],
  [word(String.raw`AIza[\w-]{30,}`), censor],
  [word(String.raw`(?:AKIA|ASIA)[A-Z0-9]{16}\b`), censor],
  [word(String.raw`eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}`), censor],
  [/-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----[^-"]*-----END [A-Z ]{0,20}PRIVATE KEY-----/g, censor],
  [word(String.raw`([a-z][a-z0-9+.-]{1,20}:\/\/)[^\s/@"\\]{1,256}@`, "gi"), `$1${censor}@`],
];

/** A line of the log without what looks like a secret, wherever in it that stands: in a deep object, in the words of an error, in a stack. */
export function withoutSecrets(line: string): string {
  const byName = withoutMembers(line)
    .replace(member, `$1"${censor}"`)
    .replace(writtenMember, String.raw`$1\"${censor}\"`)
    .replace(assigned, `$1${censor}`);
  return forms.reduce((text, [form, instead]) => text.replace(form, instead), byName);
}

function withoutMembers(line: string): string {
  if (!otherMember.test(line)) return line;
  try {
    const hide = (key: string, value: unknown): unknown =>
      (typeof value === "number" || (typeof value === "object" && value !== null)) && secretName.test(key) ? censor : value;
    return `${JSON.stringify(JSON.parse(line), hide)}\n`;
  } catch {
    return line;
  }
}
