export interface ThreadData {
  readonly id: string;
  readonly title: string | null;
  readonly archived: boolean;
  readonly lastSeq: number;
  readonly agent: { readonly name: string } | null;
  readonly config: {
    readonly historyLimit: number;
    readonly retention: string | null;
    readonly simulatedAllowed: boolean;
    readonly metadata: unknown;
  };
  readonly updatedAt: string;
}

export interface MessageData {
  readonly id: string;
  readonly seq: number;
  readonly role: string;
  readonly status: string;
  readonly text: string;
  readonly run: { readonly id: string } | null;
}

export interface RunData {
  readonly id: string;
  readonly status: string;
  readonly thread?: { readonly id: string } | null;
}

/** A mutation's payload or what was wrong. */
export interface Outcome {
  readonly __typename: string;
  readonly thread?: ThreadData;
  readonly userMessage?: MessageData;
  readonly replacedMessage?: MessageData;
  readonly run?: RunData;
  readonly deletedThreadId?: string;
  readonly expiresAt?: string | null;
  readonly code?: string;
  readonly message?: string;
  readonly fix?: string | null;
  readonly path?: string[];
  readonly issues?: { readonly path: string[]; readonly message: string }[];
}

export interface ActivityData {
  readonly __typename: string;
  readonly actor: { readonly name: string; readonly kind: string; readonly self: boolean };
  readonly expiresAt: string;
  readonly phase?: string;
  readonly toolName?: string | null;
  readonly agent?: { readonly name: string } | null;
}

export interface MessagePage {
  readonly edges: { readonly cursor: string; readonly node: MessageData }[];
  readonly pageInfo: {
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
    readonly startCursor: string | null;
    readonly endCursor: string | null;
  };
  readonly totalCount: number;
}

export interface EventData {
  readonly __typename: string;
  readonly seq: number;
  readonly type: string;
  readonly runId?: string;
  readonly runStatus?: string;
  readonly text?: string;
  readonly messageId?: string;
  readonly role?: string;
  readonly message?: { readonly id: string; readonly text: string } | null;
  readonly change?: string;
  readonly threadId?: string;
  readonly thread?: { readonly id: string; readonly title: string | null } | null;
  readonly messages?: { readonly id: string; readonly text: string; readonly status: string; readonly seq: number }[];
  readonly hasEarlierMessages?: boolean;
  readonly runs?: RunData[];
}
