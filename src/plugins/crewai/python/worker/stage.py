"""What a crew touches of the world, all of it by way of the platform: models, tools, people, conditions."""

import contextvars
import json
import threading
from typing import Any

from crewai import Agent, Task
from crewai.core.providers.human_input import SyncHumanInputProvider
from crewai.llms.base_llm import BaseLLM
from crewai.tasks.conditional_task import ConditionalTask
from crewai.tasks.task_output import TaskOutput
from crewai.tools import BaseTool
from crewai.utilities.string_utils import sanitize_tool_name
from pydantic import BaseModel

task_now = contextvars.ContextVar("task_now", default=None)
shift_now = contextvars.ContextVar("shift_now", default=None)


class Stage:
    """One run: the line to the platform, and what earlier turns of the run came to."""

    def __init__(self, peer, known):
        self.peer = peer
        self.known = known
        self.tools = {}
        self._shifts = 0
        self._counting = threading.Lock()

    def next_shift(self):
        with self._counting:
            self._shifts += 1
            return self._shifts


stage: Stage = None  # type: ignore[assignment]


class PlatformModel(BaseLLM):
    """A model of the platform: it has the keys, and tells those who watch what is said."""

    llm_type: str = "weftline"
    agent: str = ""

    def call(
        self,
        messages,
        tools=None,
        callbacks=None,
        available_functions=None,
        from_task=None,
        from_agent=None,
        response_model=None,
    ) -> Any:
        answer = stage.peer.request(
            "model.call",
            agent=self.agent,
            task=task_now.get(),
            shift=shift_now.get(),
            messages=[plain(message) for message in as_list(messages)],
            tools=[offered(tool["function"]) for tool in tools or []],
            schema=response_model.model_json_schema() if response_model else None,
        )
        if answer["calls"]:
            return [
                {"id": call["id"], "type": "function", "function": {"name": call["name"], "arguments": call["arguments"]}}
                for call in answer["calls"]
            ]
        if response_model is not None:
            return response_model.model_validate_json(answer["text"])
        return answer["text"]

    async def acall(self, *args, **kwargs) -> Any:
        return self.call(*args, **kwargs)

    def supports_function_calling(self) -> bool:
        return True

    def get_context_window_size(self) -> int:
        # The provider says when a prompt is too long; nothing is guessed here.
        return 10_000_000


def as_list(messages):
    return [{"role": "user", "content": messages}] if isinstance(messages, str) else messages


def plain(message):
    content = message.get("content")
    if isinstance(content, list):
        content = "\n".join(part.get("text", "") for part in content if isinstance(part, dict))
    kept = {"role": message["role"], "content": content or ""}
    for key in ("tool_calls", "tool_call_id"):
        if message.get(key):
            kept[key] = message[key]
    return kept


def offered(function):
    platform = stage.tools.get(function["name"])
    return {
        "name": function["name"],
        "platform": platform,
        "description": function.get("description", ""),
        "parameters": {} if platform else function.get("parameters", {}),
    }


class AnyArguments(BaseModel):
    """The platform checks arguments; what the model wrote goes there as it is."""


class PlatformTool(BaseTool):
    platform_name: str
    args_schema: type[BaseModel] = AnyArguments

    def _run(self, **arguments) -> str:
        return stage.peer.request("tool.call", shift=shift_now.get(), name=self.platform_name, arguments=arguments)


def platform_tool(name, description):
    # CrewAI makes names of its own of these; two that fall together are told apart.
    wire = sanitize_tool_name(name)
    number = 2
    while stage.tools.get(wire, name) != name:
        wire = sanitize_tool_name(f"{name}_{number}")
        number += 1
    stage.tools[wire] = name
    return PlatformTool(name=wire, description=description, platform_name=name)


class CrewAgent(Agent):
    def execute_task(self, task, context=None, tools=None) -> Any:
        shift = stage.next_shift()
        name = task.name if isinstance(task, CrewTask) else None
        stage.peer.request(
            "shift.started",
            shift=shift,
            parent=shift_now.get(),
            task=task_now.get(),
            agent=self.llm.agent,
            role=self.role,
            work=None if name else {"work": task.description, "context": context or ""},
        )
        token = shift_now.set(shift)
        try:
            result = super().execute_task(task, context, tools)
            stage.peer.request("shift.finished", shift=shift, output=str(result))
            return result
        finally:
            shift_now.reset(token)
            stage.peer.request("shift.left", shift=shift)


class CrewTask(Task):
    def _execute_core(self, agent, context, tools) -> TaskOutput:
        known = stage.known.get(self.name)
        if known is not None:
            self.output = self.output_of(known["raw"], known["agent"])
            return self.output
        token = task_now.set(self.name)
        stage.peer.request("task.begun", task=self.name)
        try:
            output = super()._execute_core(agent, context, tools)
            stage.peer.request("task.finished", task=self.name, raw=output.raw, agent=output.agent)
            return output
        finally:
            task_now.reset(token)
            stage.peer.request("task.left", task=self.name)

    def output_of(self, raw, agent) -> TaskOutput:
        return TaskOutput(
            name=self.name,
            description=self.description,
            expected_output=self.expected_output,
            raw=raw,
            agent=agent,
            output_format=self._get_output_format(),
        )


class ConditionalCrewTask(CrewTask, ConditionalTask):
    def should_execute(self, context) -> bool:
        return stage.peer.request("task.wanted", task=self.name)


class PlatformReview(SyncHumanInputProvider):
    """A person looks at an answer, for as long as it takes them."""

    def handle_feedback(self, formatted_answer, context):
        answer = formatted_answer
        while context.ask_for_human_input:
            output = self._get_output_string(answer)
            verdict = stage.peer.request("task.review", shift=shift_now.get(), task=task_now.get(), role=context.agent.role, output=output)
            if verdict["kind"] != "rejected":
                context.ask_for_human_input = False
                if verdict["kind"] == "replaced":
                    answer.output = answer.text = verdict["output"]
            else:
                context.messages.append(context._format_feedback_message(verdict["feedback"]))
                answer = context._invoke_loop()
        return answer

    async def handle_feedback_async(self, formatted_answer, context):
        return self.handle_feedback(formatted_answer, context)
