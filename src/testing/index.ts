export { collect, type CollectOptions } from "./collect.ts";
export {
  runtimeConformance,
  type Conformance,
  type ConformanceCheck,
  type InapplicableCheck,
  type RuntimeFeature,
  type RuntimeUnderTest,
  type TestRunner,
} from "./conformance/suite.ts";
export { embedderConformance, type EmbedderConformance } from "./embedders/suite.ts";
export type { EmbedderCheck, EmbedderUnderTest } from "./embedders/under-test.ts";
export { fakeRuntime, sayText, type FakeRuntimeOptions, type FakeTurn, type SayOptions } from "./fake-runtime.ts";
export { nodeKindConformance, type NodeKindCheck, type NodeKindConformance } from "./node-kinds/suite.ts";
export type { NodeCase, NodeKindUnderTest, NodeSettings, RefusedSettings } from "./node-kinds/under-test.ts";
export {
  beginStream,
  dataEvent,
  namedEvent,
  plainAnswers,
  providerServer,
  respondJson,
  type Behaviour,
  type ProviderServer,
  type SeenRequest,
} from "./provider-server.ts";
export { scriptMemory } from "./script-memory.ts";
export { scriptModel, type ScriptModelOptions, type ScriptedAnswer, type ScriptedCall } from "./script-model.ts";
export { testPlatform, type TestPlatform, type TestPlatformOptions, type Variables } from "./test-platform.ts";
export { defaultViewer, testViewer } from "./viewers.ts";
