import { inputNamed, OnBusy, type GraphBuilder, type RunLimitsInput } from "#weftline";
import type { AgentRef } from "#plugins/agents";
import type { SentPart, ThreadConfigChange } from "../contract.ts";

export interface CreateThreadInput {
  readonly title?: string | null;
  readonly agent?: AgentRef | null;
  readonly config?: ThreadConfigChange | null;
  readonly idempotencyKey?: string | null;
}

export interface UpdateThreadInput {
  readonly thread: string;
  readonly title?: string | null;
  readonly agent?: AgentRef | null;
  readonly config?: ThreadConfigChange | null;
  readonly archived?: boolean | null;
  readonly legalHold?: boolean | null;
}

export interface SendMessageInput {
  readonly thread: string;
  readonly text?: string | null;
  readonly parts?: readonly SentPart[] | null;
  readonly agent?: AgentRef | null;
  readonly onBusy?: OnBusy | null;
  readonly idempotencyKey?: string | null;
  readonly limits?: RunLimitsInput | null;
}

const repeatable = "Makes it safe to send this again: for 24 hours the same key and body give the first answer.";

export function addInputs(builder: GraphBuilder): void {
  const agentRef = inputNamed<AgentRef>(builder, "AgentRef");
  const config = inputNamed<ThreadConfigChange>(builder, "ThreadConfigInput");
  const part = inputNamed<SentPart>(builder, "MessagePartInput");

  builder.inputType(config, {
    description: "Settings of a thread. What is left out stays as it is, null goes back to the default.",
    fields: (t) => ({
      historyLimit: t.int({ description: "How many messages the agent is shown, 1 to 1000." }),
      historyTokens: t.int({ description: "How many tokens of history the agent is shown, as estimated, 100 to 10000000." }),
      retention: t.field({ type: "Duration", description: "How long messages are to be kept, a minute at least; null for ever." }),
      simulatedAllowed: t.boolean({ description: "Whether a simulated model may answer where no real one is configured." }),
      metadata: t.field({ type: "JSON", description: "Anything of yours: an object of at most 16 KiB." }),
    }),
  });
  builder.inputType(inputNamed<CreateThreadInput>(builder, "CreateThreadInput"), {
    description: "A new thread.",
    fields: (t) => ({
      title: t.string({ description: "Its title, at most 200 characters." }),
      agent: t.field({ type: agentRef, description: "Who answers in it; without one, each message names its agent." }),
      config: t.field({ type: config, description: "Its settings." }),
      idempotencyKey: t.string({ description: repeatable }),
    }),
  });
  builder.inputType(inputNamed<UpdateThreadInput>(builder, "UpdateThreadInput"), {
    description: "A change of a thread: what is left out stays as it is, null clears.",
    fields: (t) => ({
      thread: t.id({ required: true, description: "The thread." }),
      title: t.string({ description: "Its title, at most 200 characters." }),
      agent: t.field({ type: agentRef, description: "Who answers from now on." }),
      config: t.field({ type: config, description: "Its settings; null puts all back to their defaults." }),
      archived: t.boolean({ description: "Whether it is put away: an archived thread takes no messages." }),
      legalHold: t.boolean({
        description: "Whether nothing of it may be removed, by a policy or by hand. For admins, of any thread of the tenant.",
      }),
    }),
  });
  builder.inputType(part, {
    description: "One part of a message.",
    isOneOf: true,
    fields: (t) => ({
      text: t.string({ description: "Text." }),
      data: t.field({ type: "JSON", description: "Any JSON that the agent is to see." }),
    }),
  });
  builder.inputType(inputNamed<SendMessageInput>(builder, "SendMessageInput"), {
    description: "A message for a thread's agent: text or parts, at most 256 KiB.",
    fields: (t) => ({
      thread: t.id({ required: true, description: "The thread." }),
      text: t.string({ description: "What is said; either this or parts." }),
      parts: t.field({ type: [part], description: "What is said, in parts." }),
      agent: t.field({ type: agentRef, description: "Another agent than the thread's, for this message." }),
      onBusy: t.field({ type: OnBusy, defaultValue: "ENQUEUE", description: "What to do while another run of the thread is open." }),
      idempotencyKey: t.string({ description: repeatable }),
      limits: t.field({ type: inputNamed<RunLimitsInput>(builder, "RunLimitsInput"), description: "Limits of the run that answers." }),
    }),
  });
}
