import type { ExplainRouteResponse, TargetExplanation } from "../../gen/polygate/admin/v1/route_admin_pb.js";
import { printable } from "./output.ts";

/** What would be done with a request, for people. */
export function explanation({ route, revision, allowed, refusal, steps, targets }: ExplainRouteResponse): string {
  const lines = [
    `route ${route?.name} (${route?.routeType}), revision ${revision}`,
    allowed ? "the caller may make this call" : `refused: ${refusal}`,
    ...steps.map(
      ({ kind, phases, description }) => `step ${kind} (${phases.join(", ")})${description ? `: ${description}` : ""}`,
    ),
    ...targets.flatMap(targetLines),
  ];
  return `${lines.map(printable).join("\n")}\n`;
}

function targetLines(one: TargetExplanation, at: number): readonly string[] {
  const { target, reason, method, url, headers, body, refusal } = one;
  const told = (["dropped", "converted", "defaulted"] as const).filter((how) => one[how].length > 0);
  return [
    `target ${at + 1}: ${target?.model?.provider}/${target?.model?.name} (${reason})`,
    ...(refusal ? [`    refuses: ${refusal}`] : []),
    ...told.map((how) => `    ${how}: ${one[how].join(", ")}`),
    ...(url || body ? [`    ${method} ${url || "(answered within the gateway)"}`] : []),
    ...Object.entries(headers).map(([name, value]) => `    ${name}: ${value}`),
    ...(body ? [`    ${body}`] : []),
  ];
}
