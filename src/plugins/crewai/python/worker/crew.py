"""Builds a crew of the platform's definition and lets CrewAI play it."""

import os
import traceback

from crewai import Crew, Process
from crewai.core.providers.human_input import set_provider
from crewai.utilities.i18n import I18N_DEFAULT

from . import stage as stages
from .stage import ConditionalCrewTask, CrewAgent, CrewTask, PlatformModel, PlatformReview, Stage, platform_tool

CREW_FAILED = -32000
BAD_DEFINITION = -32001


def serve(peer):
    """Plays the one crew that this process is for."""
    message = peer.requests.get()
    number, params = message["id"], message["params"]
    # One process a run: what in it makes spans finds the trace where the convention has it.
    if "traceparent" in params:
        os.environ["TRACEPARENT"] = params["traceparent"]
    stages.stage = Stage(peer, params["known"])
    set_provider(PlatformReview())
    try:
        crew = build(params["crew"], params["tools"])
    except Exception as problem:
        traceback.print_exc()
        peer.fail(number, BAD_DEFINITION, str(problem), type(problem).__name__)
        return
    try:
        output = crew.kickoff()
    except Exception as problem:
        traceback.print_exc()
        peer.fail(number, CREW_FAILED, str(problem), type(problem).__name__)
        return
    peer.answer(number, {"raw": output.raw})


def build(definition, tools):
    made = {tool["name"]: platform_tool(tool["name"], tool["description"]) for tool in tools}
    agents = {agent["key"]: agent_of(agent, made) for agent in definition["agents"]}
    tasks = {}
    for task in definition["tasks"]:
        tasks[task["name"]] = task_of(task, agents, tasks, made)
    leader = {}
    if definition["process"] == "hierarchical":
        leader = {"manager_agent": manager_of(definition)}
    return Crew(
        name=definition["name"],
        agents=list(agents.values()),
        tasks=list(tasks.values()),
        process=Process(definition["process"]),
        memory=False,
        # The platform makes each call that a model asks for; an answer from a cache would be one that nobody made.
        cache=False,
        planning=False,
        share_crew=False,
        tracing=False,
        verbose=False,
        **leader,
    )


def agent_of(agent, tools):
    # The platform counts its seconds: CrewAI would go on waiting for the answer that is late.
    return CrewAgent(
        role=agent["role"],
        goal=agent["goal"],
        backstory=agent["backstory"],
        llm=PlatformModel(model="platform", agent=agent["key"]),
        tools=[tools[name] for name in agent["tools"]],
        allow_delegation=agent["delegates"],
        max_iter=agent["maxIterations"],
        # What fails is tried again by the platform, which knows what was done.
        max_retry_limit=0,
        cache=False,
        verbose=False,
    )


def manager_of(definition):
    named = definition.get("manager")
    if named:
        return agent_of(named, {})
    words = {part: I18N_DEFAULT.retrieve("hierarchical_manager_agent", part) for part in ("role", "goal", "backstory")}
    return agent_of({**words, "key": "", "tools": [], "delegates": True, "maxIterations": 25}, {})


def task_of(task, agents, before, tools):
    more = {}
    if task["context"] != "previous":
        more["context"] = [before[name] for name in task["context"]]
    if task.get("tools") is not None:
        more["tools"] = [tools[name] for name in task["tools"]]
    if task["guardrails"]:
        more["guardrails"] = task["guardrails"]
        more["guardrail_max_retries"] = task["guardrailRetries"]
    make = CrewTask
    if task.get("condition") is not None:
        make = ConditionalCrewTask
    return make(
        name=task["name"],
        description=task["description"],
        expected_output=task["expectedOutput"],
        agent=agents[task["agent"]] if task.get("agent") else None,
        human_input=task["review"],
        async_execution=task["async"],
        markdown=task["markdown"],
        **more,
    )
