import type { ServiceImpl } from "@connectrpc/connect";
import type { PredictionService } from "../../../../gen/polygate/v1/predictions_pb.js";
import { Body } from "../../../core/body.ts";
import type { Door } from "../../../core/site.ts";
import { callOf } from "../call.ts";
import { callerOf } from "../caller.ts";
import { whole } from "../pull.ts";
import { servedOf } from "../served.ts";
import { responseOf } from "./reply.ts";
import { scoringText } from "./request.ts";

/** Predictions: a message to the form of MLflow's model server and back; the plan of the call does the work. */
export function predictionService(door: Door): ServiceImpl<typeof PredictionService> {
  return {
    async predict(request, context) {
      const caller = callerOf(context);
      const body = Body.ofBytes(Buffer.from(scoringText(request)));
      const call = callOf(door, context.protocolName, caller, "predictions", request.model, body, false);
      const response = await whole(call, caller, door.clock, (answered) => responseOf(answered.bytes));
      response.served = servedOf(call);
      return response;
    },
  };
}
