/** What a server of an earlier version showed of its data folder. */
export interface Shown {
  readonly threads: Readonly<Record<string, { readonly id: string; readonly messages: readonly ShownMessage[] }>>;
  /** Where an answer was stored in a shape of no part. */
  readonly blocks?: { readonly thread: string };
  readonly waiting: { readonly run: string };
  readonly cut: { readonly thread: string; readonly run: string };
  readonly runs: readonly { readonly id: string; readonly status: string; readonly text: string | null }[];
  /** Runs that wait for the signal `go`, one of them paused. */
  readonly workflows?: { readonly waiting: string; readonly paused: string; readonly schedule: string };
}

export interface ShownMessage {
  readonly id: string;
  readonly role: string;
  readonly status: string;
  readonly parts: readonly { readonly __typename: string; readonly text?: string; readonly file?: { readonly id: string } }[];
}

/** The messages of a thread. */
export const messagesOf = `query ($thread: ID!) {
  thread(id: $thread) { messages(first: 50) { nodes {
    id role status provenance
    parts {
      __typename
      ... on TextPart { text }
      ... on ReasoningPart { text }
      ... on ToolCallPart { name arguments result status error }
      ... on FilePart { file { id name size } }
    }
  } } }
}`;
