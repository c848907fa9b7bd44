import { madeThread } from "./graphiql-page.ts";

/** One tab of GraphiQL as it opens. */
export interface ExampleTab {
  readonly query: string;
  readonly variables?: string;
}

const json = (value: object): string => JSON.stringify(value, null, 2);

/** The way from an empty server to a conversation, a tab a step. */
export const exampleTabs: readonly ExampleTab[] = [
  {
    query: `# Run each tab, from left to right (Ctrl-Enter).
# First: who you are, and what this server is made of.
query Server {
  viewer {
    id
    name
    tenant
    roles
  }
  plugins {
    name
    kind
    state
    reason
    fix
    description
  }
}
`,
  },
  {
    query: `# Blueprints to make an agent of. Put the name of one into
# the next tab, or keep the assistant.
query Templates {
  agentTemplates {
    id
    name
    description
    frameworkId
    parametersSchema
  }
}
`,
  },
  {
    query: `# The next tab finds the agent by its name.
mutation CreateAgent($input: CreateAgentFromTemplateInput!) {
  createAgentFromTemplate(input: $input) {
    __typename
    ... on CreateAgentFromTemplatePayload {
      agent {
        id
        name
        status
        model
      }
    }
    ... on UserError {
      message
      code
      path
    }
  }
}
`,
    variables: json({ input: { template: "assistant", name: "My first agent" } }),
  },
  {
    query: `# The next two tabs take the thread that this one makes.
mutation CreateThread($input: CreateThreadInput!) {
  createThread(input: $input) {
    __typename
    ... on CreateThreadPayload {
      thread {
        id
        title
        lastSeq
      }
    }
    ... on UserError {
      message
      code
      path
    }
  }
}
`,
    variables: json({ input: { title: "Hello", agent: { name: "My first agent" } } }),
  },
  {
    query: `# Answered at once, with the run that was queued. Then go on
# to the last tab: it shows the answer while it comes.
mutation Send($input: SendMessageInput!) {
  sendMessage(input: $input) {
    __typename
    ... on SendMessagePayload {
      userMessage {
        id
      }
      run {
        id
        status
      }
    }
    ... on UserError {
      message
      code
      path
    }
  }
}
`,
    variables: json({ input: { thread: madeThread, text: "Write 300 words about looms." } }),
  },
  {
    query: `# From the beginning of the thread, then on as it happens.
# Leaving this tab stops it: with the last seq as "after"
# it goes on from there, nothing lost and nothing twice.
subscription Watch($thread: ID!, $after: Int) {
  threadEvents(thread: $thread, after: $after) {
    __typename
    seq
    type
    ... on RunStatusEvent {
      runStatus
      provenance
    }
    ... on MessageDeltaEvent {
      channel
      text
    }
    ... on MessageFinishedEvent {
      messageStatus
      text
    }
    ... on ToolRequestedEvent {
      name
      arguments
    }
    ... on ToolFinishedEvent {
      toolStatus
      result
      error
    }
  }
}
`,
    variables: json({ thread: madeThread, after: 0 }),
  },
];
