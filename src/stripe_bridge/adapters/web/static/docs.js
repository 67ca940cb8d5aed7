// Where earlier releases left the token that was entered here.
localStorage.removeItem("authorized");
SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  displayRequestDuration: true,
  validatorUrl: null,
});
