package procos.engines;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;

/** Starts a Camunda 7 engine with its REST API on loopback. */
@SpringBootApplication
public class Camunda7 {
  public static void main(String[] arguments) {
    SpringApplication.run(Camunda7.class, arguments);
  }
}
