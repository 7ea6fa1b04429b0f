import { type Duration, durationMs } from "@bufbuild/protobuf/wkt";
import { type SimulatorSettings, SimulatorSettingsSchema } from "../../../gen/providers/simulator/v1/settings_pb.js";
import type { Provider, SettingsProblem, Upstream } from "../../core/provider.ts";
import { openAIFault } from "../../dialects/openai/fault.ts";
import { openAIUsage } from "../../dialects/openai/usage.ts";
import { batching } from "../../dialects/scoring/batch.ts";
import { scoringRequest } from "../../dialects/scoring/request.ts";
import { answer, PATHS } from "./answer.ts";
import { faultsOf, scriptOf } from "./faults.ts";
import { type Pace, Playback } from "./playback.ts";

/**
 * No model: a stand-in that answers within the process, for trying the gateway and for tests. It speaks OpenAI's API, and
 * that of MLflow's model server for predictions. What it says is decided by the request alone, and says that it is simulated; what goes wrong, and when, is in its settings.
 */
export const provider: Provider<SimulatorSettings> = {
  kind: "simulator",
  settings: SimulatorSettingsSchema,
  defaultModel: "simulator",
  check,
  open({ reply, firstByteDelay, chunkDelay, faults }, tools): Upstream {
    const pace: Pace = { firstByteMs: ms(firstByteDelay), chunkMs: ms(chunkDelay) };
    const nextFault = faultsOf(faults, () => tools.random());
    return {
      origin: undefined,
      speaks: { chat: "openai", completions: "openai", embeddings: "openai", predictions: "scoring" },
      batches: batching,
      exchange(outgoing, receiver) {
        const fault = nextFault();
        const write = () => scriptOf(fault, () => answer(outgoing, reply, Math.floor(tools.wallNow() / 1000)));
        return new Playback(write, pace, tools.clock, receiver);
      },
      encode(call, body, model) {
        if (call.plan.op === "predictions") return scoringRequest(PATHS.predictions, body);
        body.set("model", model);
        return { path: PATHS[call.plan.op as keyof typeof PATHS], headers: HEADERS, body: body.bytes };
      },
      usage: openAIUsage,
      fault: (status, headers, body) => openAIFault("simulator", status, headers, body),
    };
  },
};

const HEADERS = ["content-type", "application/json"] as const;

function check({ faults }: SimulatorSettings): readonly SettingsProblem[] {
  return faults.flatMap(({ what, retryAfter }, index) =>
    retryAfter === undefined || what.case === "status"
      ? []
      : [{ path: `faults[${index}].retry_after`, message: "only goes with status; remove it" }],
  );
}

const ms = (duration: Duration | undefined): number => (duration ? durationMs(duration) : 0);
