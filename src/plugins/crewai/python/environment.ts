/** Every switch that keeps CrewAI and its libraries from reporting to anybody. */
const silence = {
  CREWAI_DISABLE_TELEMETRY: "true",
  CREWAI_DISABLE_TRACKING: "true",
  CREWAI_DISABLE_VERSION_CHECK: "true",
  CREWAI_TRACING_ENABLED: "false",
  OTEL_SDK_DISABLED: "true",
  ANONYMIZED_TELEMETRY: "False",
  DO_NOT_TRACK: "1",
  HF_HUB_DISABLE_TELEMETRY: "1",
};

/** The environment of Python: nothing of this process's own, so no key and no secret, and no report. */
export function pythonEnvironment(home: string): NodeJS.ProcessEnv {
  const places = { HOME: home, CREWAI_STORAGE_DIR: home, PATH: "/usr/local/bin:/usr/bin:/bin", LANG: "C.UTF-8" };
  // One thread, since this process is forked.
  return { ...places, ...silence, PYTHONUTF8: "1", OPENBLAS_NUM_THREADS: "1", OMP_NUM_THREADS: "1" };
}
