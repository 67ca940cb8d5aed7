// Where earlier releases left the token that was entered here.
localStorage.removeItem("authorized");
Scalar.createApiReference("#reference", {
  url: "openapi.json",
  theme: "default",
  // Nothing is asked of other hosts, and nothing that is entered outlives the tab.
  withDefaultFonts: false,
  telemetry: false,
  persistAuth: false,
  authentication: { preferredSecurityScheme: "bearer" },
  agent: { disabled: true },
  mcp: { disabled: true },
  hideClientButton: true,
  showDeveloperTools: "never",
  defaultOpenFirstTag: false,
  documentDownloadType: "json",
  hiddenClients: ["c", "clojure", "dart", "fsharp", "objc", "ocaml", "powershell", "r", "rust", "swift"],
});
