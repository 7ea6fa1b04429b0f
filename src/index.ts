/** The gateway as a library. */
export { formatProblem, type Problem } from "./config/problems.ts";
export { ConfigProblems, type Gateway, type StartOptions, startGateway as createGateway } from "./start.ts";
