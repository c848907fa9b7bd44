const censor = "[secret]";

/** Names under which secrets stand, whatever comes before: `x-api-key`, `clientSecret`, `refresh_token`. */
const names = "authorization|api[-_]?key|token|password|passphrase|secret|cookie|private[-_]?key|credentials?";

/** A member of a JSON object, and one of an object that was written into a text. */
const member = new RegExp(String.raw`("[\w-]*(?:${names})":\s*)"(?:[^"\\]|\\.)*"`, "gi");
const writtenMember = new RegExp(String.raw`(\\"[\w-]*(?:${names})\\":\s*)\\"(?:[^"\\]|\\\\\\"|\\\\\\\\|\\\\[^"\\])*\\"`, "gi");

/** What is a secret by its form: a bearer token, a key of a provider, the user part of an address. */
const forms: readonly (readonly [RegExp, string])[] = [
  [/\b(Bearer|Basic) +[\w.~+/-]{6,}=*/gi, `$1 ${censor}`],
  [/\bsk-[\w-]{12,}/g, censor],
  [/\bwhsec_[\w+/=-]{12,}/g, censor],
  [/(\b[a-z][a-z0-9+.-]{1,20}:\/\/)[^\s/@"\\]{1,256}@/gi, `$1${censor}@`],
];

/** A line of the log without what looks like a secret, wherever in it that stands: in a deep object, in the words of an error, in a stack. */
export function withoutSecrets(line: string): string {
  const byName = line.replace(member, `$1"${censor}"`).replace(writtenMember, String.raw`$1\"${censor}\"`);
  return forms.reduce((text, [form, instead]) => text.replace(form, instead), byName);
}
