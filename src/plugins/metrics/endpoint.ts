import { createHash, timingSafeEqual } from "node:crypto";
import { WeftlineError, hasRole, type HttpRoute, type OpenRoute, type RouteResponse, type Viewer } from "#weftline";

/** The role of who may scrape, where callers have credentials. */
const scraperRole = "metrics";

/** A route for whoever knows the token. */
export function routeWithToken(token: string, scrape: () => Promise<RouteResponse>): OpenRoute {
  const wanted = digestOf(token);
  return {
    methods: ["GET"],
    handle: async ({ headers }) => {
      const given = /^Bearer\s+(\S+)$/i.exec(headers.authorization?.trim() ?? "")?.[1];
      if (given === undefined || !timingSafeEqual(digestOf(given), wanted)) throw new WeftlineError("UNAUTHENTICATED");
      return scrape();
    },
  };
}

/** A route for viewers: for those with the role, and for everybody of a host that lets in whoever is on its machine. */
export function routeForViewers(isOpen: () => boolean, scrape: () => Promise<RouteResponse>): HttpRoute {
  return {
    methods: ["GET"],
    handle: async ({ scope }) => {
      if (!mayScrape(scope.viewer, isOpen())) throw forbidden();
      return scrape();
    },
  };
}

function mayScrape(viewer: Viewer, isOpen: boolean): boolean {
  return hasRole(viewer, scraperRole) || (isOpen && hasRole(viewer, "admin"));
}

function forbidden(): WeftlineError {
  return new WeftlineError("FORBIDDEN", {
    message: "Metrics tell of everybody's runs.",
    fix: `Give the viewer the role "${scraperRole}", or set metrics({ token }).`,
  });
}

const digestOf = (text: string): Buffer => createHash("sha256").update(text).digest();
